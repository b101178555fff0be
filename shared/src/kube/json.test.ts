import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJson, parseJson } from './json.ts';

describe('formatJson', () => {
  it.each([
    ['plain values, keys as they come', { b: 1, a: [null, 'x', true] }, '{"b":1,"a":[null,"x",true]}'],
    ['an integer beyond a double', { n: 9007199254740993n }, '{"n":9007199254740993}'],
    ['dropped fields beside a bigint', { n: 1n, gone: undefined }, '{"n":1}'],
  ])('writes %s', (_name, value, text) => {
    expect(formatJson(value)).toBe(text);
  });

  it('is what parseJson reads, bigints included', () => {
    const leaf = fc.oneof(fc.string(), fc.boolean(), fc.integer(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }));
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(leaf, fc.array(leaf))), (value) => {
        expect(parseJson(formatJson(value))).toEqual({ ...value });
      }),
    );
  });

  it('still refuses a circle', () => {
    const plain: Record<string, unknown> = {};
    plain['self'] = plain;
    expect(() => formatJson(plain)).toThrow('circular');
  });
});
