import { expect, it } from 'vitest';
import { packJson, unpackJson } from './packed-json.ts';

it.each<[string, unknown]>([
  ['a small value', { a: 1 }],
  ['a large one', Array.from({ length: 5_000 }, (_, index) => `application-${index}`)],
  ['integers that no double holds', [9_007_199_254_740_993n]],
])('%s comes back as it was', (_name, value) => {
  expect(unpackJson(packJson(value))).toEqual(value);
});

it('is small where much is alike', () => {
  expect(packJson('x'.repeat(100_000)).length).toBeLessThan(2_000);
});
