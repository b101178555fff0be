import { expect, it } from 'vitest';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { createCollection } from './collection.ts';
import { collectValueFiles } from './helm-values.ts';
import { createReferences } from './references.ts';

it.each([
  ['no file', `${'*a'.repeat(12)}*b`, []],
  ['one file', `${'*a'.repeat(12)}*.yaml`, [`values/${'a'.repeat(200)}.yaml`]],
])('many stars of a value file take no longer: %s', async (_name, pattern, expected) => {
  const collection = createCollection(createMemorySnapshot({ [`values/${'a'.repeat(200)}.yaml`]: 'a: 1' }));
  const files = {
    source: { repoURL: 'https://git.example/a' },
    collection,
    folder: 'chart',
    references: createReferences([]),
    valuesFileSchemes: [],
  };
  const options = { valueFiles: [`/values/${pattern}`], ignoreMissingValueFiles: true };
  expect(await collectValueFiles(files, options)).toEqual(expected.map((path) => ({ in: collection, path })));
});
