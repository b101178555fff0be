import { RE2JS } from 're2js';
import { describe, expect, it, vi } from 'vitest';
import { compileGlob } from './gobwas.ts';
import { compileLinear } from './linear.ts';
import { compilePathMatch } from './path-match.ts';

const manyStars = `${'*a'.repeat(12)}*b`;
const long = 'a'.repeat(200);

describe('compileLinear', () => {
  it.each([
    ['simple', '[^/]*a'],
    ['not simple', '[^/]*[^/]*[^/]*a|b'],
  ])('%s: the whole text must match', (_name, source) => {
    const matches = compileLinear(source);
    expect(['xaa', 'x/aa', 'xaa\n'].map(matches)).toEqual([true, false, false]);
  });

  it('a long text is no trouble for what is simple', () => {
    const matches = compileLinear('.*a.*b');
    expect(matches('a'.repeat(200_000))).toBe(false);
    expect(matches(`${'a'.repeat(200_000)}b`)).toBe(true);
  });

  it('refuses what cannot be read', () => {
    expect(() => compileLinear('[z-a]')).toThrow('a pattern cannot be read');
    expect(() => compileLinear('.*.*.*[z-a]')).toThrow('a pattern cannot be read');
  });
});

it.each([
  ['gobwas', compileGlob(manyStars)],
  ['gobwas, with a separator', compileGlob(manyStars, '/')],
  ['path.Match', compilePathMatch(manyStars)],
  ['gobwas, alternatives', compileGlob(`${'{a,aa}'.repeat(30)}b`)],
])('many stars take no longer: %s', (_name, matches) => {
  expect(matches?.(`${long}.yaml`)).toBe(false);
  expect(matches?.(`${'a'.repeat(40)}b`)).toBe(true);
});

it.each([
  ['**/*/x*-*.yaml', 'a/b/xc-d.yaml', true],
  ['*-*-*-[!a-c]', 'x-y-z-d', true],
  ['*-*-*-[!a-c]', 'x-y-z-b', false],
  ['*-*-*-{a,b}', 'x-y-z-b', true],
  ['*.*.*', 'aXbXc', false],
  ['*?*?*🚀', 'ab🚀', true],
  ['*/*/*', 'a/b\nc/d', true],
])('gobwas: %s on %j', (pattern, text, expected) => {
  expect(compileGlob(pattern, '/')?.(text)).toBe(expected);
});

it('compiles a pattern once, however often it is asked for', () => {
  using compile = vi.spyOn(RE2JS, 'compile');
  for (let index = 0; index < 100; index += 1) compileLinear('once-.*-.*-.*-.*')(`once-${index}`);
  expect(compile).toHaveBeenCalledTimes(1);
});
