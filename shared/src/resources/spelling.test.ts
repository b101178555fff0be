import { expect, it } from 'vitest';
import { closestTo } from './spelling.ts';

const fields = ['source', 'sources', 'destination', 'syncPolicy', 'repoURL', 'path'];

it.each([
  ['sourc', 'source'],
  ['Sources', 'sources'],
  ['repoUrl', 'repoURL'],
  ['destinaton', 'destination'],
  ['sync_policy', 'syncPolicy'],
  ['pth', 'path'],
  ['zebra', undefined],
  ['', undefined],
])('%s → %s', (word, expected) => {
  expect(closestTo(word, fields)).toBe(expected);
});
