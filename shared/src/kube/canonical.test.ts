import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson, digestOf } from './canonical.ts';
import { parseJson } from './json.ts';

it.each<[string, unknown, string]>([
  ['sorts keys by code unit', { b: 1, a: { Z: 1, é: 2, z: 3 } }, '{"a":{"Z":1,"z":3,"é":2},"b":1}'],
  ['leaves out undefined fields', { a: undefined, b: [undefined, null] }, '{"b":[null,null]}'],
  ['writes bigints as digits', { a: 18446744073709551615n }, '{"a":18446744073709551615}'],
  ['knows one zero', [-0, 0], '[0,0]'],
  ['escapes as JSON does', '"\n\u2028', '"\\"\\n\u2028"'],
])('%s', (_, value, expected) => {
  expect(canonicalJson(value)).toBe(expected);
});

it.each([Number.NaN, Infinity, () => 1, undefined])('refuses %s', (value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});

it('is JSON, and the same for any order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, reversed(field)]),
  );
}

it('has exact integers come back', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), (integer) => {
      const { n } = parseJson(canonicalJson({ n: integer })) as { n: number | bigint };
      expect(BigInt(n)).toBe(integer);
    }),
  );
});

it('names content by its sha256', () => {
  const expected = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(digestOf('abc')).toBe(expected);
  expect(digestOf(Buffer.from('abc'))).toBe(expected);
});
