import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { describe, expect, it } from 'vitest';
import { requeueOf } from './requeue.ts';

const git = { repoURL: 'https://git.example.com/a', revision: 'main', directories: [{ path: '*' }] };
const pullRequest = { github: { owner: 'o', repo: 'r' } };

function setOf(generators: ApplicationSet['spec']['generators']): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 's', namespace: 'argocd' },
    spec: { generators, template: { metadata: {}, spec: { project: 'default' } } },
  };
}

describe('intervals', () => {
  it.each([
    { why: 'lists have none', generators: [{ list: { elements: [] } }], evaluateMs: undefined, repositories: [] },
    { why: 'code hosts have one by default', generators: [{ pullRequest }], evaluateMs: 1_800_000, repositories: [] },
    {
      why: 'the least of several counts, nested ones too',
      generators: [
        { pullRequest },
        { matrix: { generators: [{ list: {} }, { pullRequest: { ...pullRequest, requeueAfterSeconds: 30 } }] } },
      ],
      evaluateMs: 30_000,
      repositories: [],
    },
    {
      why: 'never with 0',
      generators: [{ pullRequest: { ...pullRequest, requeueAfterSeconds: 0 } }],
      evaluateMs: undefined,
      repositories: [],
    },
    {
      why: 'a repository has one only where it is given',
      generators: [{ git }, { git: { ...git, repoURL: 'https://git.example.com/b', requeueAfterSeconds: 10 } }],
      evaluateMs: undefined,
      repositories: [['https://git.example.com/b', 10_000]],
    },
  ])('$why', ({ generators, evaluateMs, repositories }) => {
    const requeue = requeueOf(setOf(generators));
    expect(requeue.evaluateMs).toBe(evaluateMs);
    expect([...requeue.repositories]).toEqual(repositories);
  });
});
