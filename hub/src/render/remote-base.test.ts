import { describe, expect, it } from 'vitest';
import { isRemoteFile, parseRemoteBase } from './remote-base.ts';

describe('parseRemoteBase', () => {
  it.each([
    ['https://github.com/org/repo//deploy/base?ref=v1.2.3', 'https://github.com/org/repo', 'v1.2.3', 'deploy/base'],
    ['https://github.com/org/repo/deploy/base?ref=main', 'https://github.com/org/repo', 'main', 'deploy/base'],
    ['https://github.com/org/repo', 'https://github.com/org/repo', '', ''],
    ['https://git.example/a/b/c/repo.git/base?ref=x', 'https://git.example/a/b/c/repo.git', 'x', 'base'],
    ['https://git.example/a/b/c/repo.git//base/?ref=x&timeout=9s', 'https://git.example/a/b/c/repo.git', 'x', 'base'],
    ['github.com/org/repo/base?version=v2', 'https://github.com/org/repo', 'v2', 'base'],
    ['git@github.com:org/repo.git//base?ref=x', 'git@github.com:org/repo.git', 'x', 'base'],
    ['git@github.com:org/repo/base', 'git@github.com:org/repo', '', 'base'],
    ['ssh://git@git.example:22/org/repo.git//base', 'ssh://git@git.example:22/org/repo.git', '', 'base'],
    ['git::https://git.example/org/repo//base?ref=x', 'https://git.example/org/repo', 'x', 'base'],
    ['file:///srv/git/repo//base?ref=x', 'file:///srv/git/repo', 'x', 'base'],
  ])('%s', (...[reference, repoURL, targetRevision, path]) => {
    expect(parseRemoteBase(reference)).toEqual({ location: { repoURL, targetRevision }, path });
  });

  it.each(['../base', 'deployment.yaml', './a/b', 'base.d/x', 'v1.2/base'])('%s is a path', (reference) => {
    expect(parseRemoteBase(reference)).toBeUndefined();
  });
});

it.each([
  ['https://raw.example.com/org/repo/main/crd.yaml', true],
  ['https://github.com/org/repo//base?ref=x', false],
  ['../crd.yaml', false],
])('%s is a file by URL: %s', (reference, expected) => {
  expect(isRemoteFile(reference)).toBe(expected);
});
