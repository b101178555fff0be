import { expect, it } from 'vitest';
import { readReference } from './commit-references.ts';

it.each<[string, string, object | undefined]>([
  [
    'an author',
    'Argocd-reference-commit-author: Ada Byron <ada@example.com>',
    { author: 'Ada Byron <ada@example.com>' },
  ],
  ['an author who is none', 'Argocd-reference-commit-author: Ada', undefined],
  ['a commit', 'Argocd-reference-commit-sha: c0ffee', { sha: 'c0ffee' }],
  ['a commit that is none', 'Argocd-reference-commit-sha: main', undefined],
  ['a subject', 'argocd-reference-commit-subject:  Bump: it ', { subject: 'Bump: it' }],
  ['a body', String.raw`Argocd-reference-commit-body: "a\nb"`, { body: 'a\nb' }],
  ['a body that is no JSON text', 'Argocd-reference-commit-body: {"a": 1}', undefined],
  [
    'a repository',
    'Argocd-reference-commit-repourl: https://git.example.com/x',
    { repoURL: 'https://git.example.com/x' },
  ],
  ['a date', 'Argocd-reference-commit-date: 2025-06-09T13:50:18-04:00', { date: '2025-06-09T13:50:18-04:00' }],
  ['a date that is none', 'Argocd-reference-commit-date: yesterday', undefined],
  ['something unknown', 'Argocd-reference-commit-mood: good', undefined],
  ['one of JavaScript', 'Argocd-reference-commit-constructor: good', undefined],
])('%s', (_name, line, reference) => {
  const read = readReference(`About it.\n\n${line}\nSigned-off-by: B <b@example.com>`);
  expect(read.reference).toEqual(reference);
  expect(read.body.includes(line)).toBe(reference === undefined);
});

it('takes no longer for a line of many blanks', () => {
  const line = `Argocd-reference-commit-sha: x${' '.repeat(200_000)}y`;
  expect(readReference(`a:x${' '.repeat(200_000)}y\n${line}`).reference).toBeUndefined();
});

it('of one that is there more than once the last counts', () => {
  const line = 'Argocd-reference-commit-sha: ';
  expect(readReference(`${line}aaaaa\n${line}bbbbb`)).toEqual({ body: '', reference: { sha: 'bbbbb' } });
});
