import { describe, expect, it } from 'vitest';
import { compileGlob } from './glob.ts';

describe('compileGlob', () => {
  it.each([
    ['a star crosses folders', '*.yaml', 'a/b.yaml', true],
    ['two stars are one', '**/x.yaml', 'a/b/x.yaml', true],
    ['a star matches nothing too', 'a*.yaml', 'a.yaml', true],
    ['the whole path must match', 'a.yaml', 'b/a.yaml', false],
    ['a dot is a dot', 'a.yaml', 'aXyaml', false],
    ['alternatives', '{*.yml,*.yaml}', 'x.yml', true],
    ['alternatives, neither', '{*.yml,*.yaml}', 'x.json', false],
    ['nested alternatives', '{a,b{c,d}}.yaml', 'bd.yaml', true],
    ['a comma outside of braces', 'a,b.yaml', 'a,b.yaml', true],
    ['any character', 'a?.yaml', 'ab.yaml', true],
    ['a class', 'a[0-3].yaml', 'a2.yaml', true],
    ['a negated class', 'a[!0-3].yaml', 'a2.yaml', false],
    ['an escaped star', String.raw`a\*.yaml`, 'ab.yaml', false],
    ['an escaped star, itself', String.raw`a\*.yaml`, 'a*.yaml', true],
    ['many stars', `${'*a'.repeat(12)}*b`, `${'a'.repeat(200)}.yaml`, false],
    ['many stars that match', `${'*a'.repeat(12)}*`, `${'a'.repeat(200)}.yaml`, true],
    ['a class of signs', 'a[&~]b', 'a&b', true],
    ['a character of two code units', '🚀*', '🚀.yaml', true],
  ])('%s: %s on %s', (...[, pattern, path, expected]) => {
    expect(compileGlob(pattern, 'directory.include')(path)).toBe(expected);
  });

  it.each([
    ['{a,b', 'a { is not closed'],
    ['a[bc', 'a [ is not closed'],
    ['a[z-a]', 'a range in [] runs backwards'],
    ['*[z-a]*.*', 'a range in [] runs backwards'],
    ['a\\', 'it ends with a backslash'],
  ])('refuses %s', (pattern, reason) => {
    expect(() => compileGlob(pattern, 'directory.exclude')).toThrow(
      `directory.exclude: pattern ${pattern} is malformed: ${reason}`,
    );
  });
});
