import { describe, expect, it } from 'vitest';
import { compileDoublestar } from './doublestar.ts';

describe('compileDoublestar', () => {
  it.each([
    ['two levels', 'a/**/*.yaml', 'a/b/c.yaml', true],
    ['no level', 'a/**/*.yaml', 'a/c.yaml', true],
    ['three stars', 'a/**/*-*.yaml', 'a/b/c-d.yaml', true],
    ['three stars, no level', 'a/**/*-*.yaml', 'a/c-d.yaml', true],
    ['three stars, elsewhere', 'a/**/*-*.yaml', 'b/c-d.yaml', false],
    ['a star stops at a slash', 'a/*/*/*.yaml', 'a/b/c.yaml', false],
    ['a star matches nothing too', 'a/*/*/*.yaml', 'a/b/c/.yaml', true],
    ['everything below', '*/*/**', 'a/b/c/d', true],
    ['a star within a segment', 'a**b/*/*', 'a/b/c/d', false],
    ['alternatives', '{a,b/*}/{c,d}.yaml', 'b/x/d.yaml', true],
    ['alternatives, neither', '{a,b/*}/{c,d}.yaml', 'b/d.yaml', false],
    ['levels in alternatives', '{x/**/y,z}/*-*', 'x/y/a-b', true],
    ['classes', '*[a-c]*[!x]*', 'zbz', true],
    ['classes, neither', '*[a-c]*[!x]*', 'zbx', false],
    ['a range that runs backwards', 'a/[z-a].yaml', 'a/m.yaml', false],
    ['anything but that', 'a/[!z-a].yaml', 'a/m.yaml', true],
    ['a dot is a dot', '*.*.*', 'aXbXc', false],
    ['a file that begins with a dot', '*.*.*', '.a.b', true],
    ['two code units', '*?*?*🚀', 'ab🚀', true],
    ['a long path', '**/*.yaml', `${'a'.repeat(300)}/b.yaml`, true],
  ])('%s: %s', (...[, pattern, path, expected]) => {
    expect(compileDoublestar(pattern)(path)).toBe(expected);
  });

  it.each([
    ['*/*/c/**', 'a/b/c', false, true],
    ['*/*/c/**', 'a/b/c', true, false],
    ['*/*/c/**', 'a/b/c/d', true, true],
    ['*/*/*/**', 'a/b/c', false, false],
  ])('%s on %s, with strict slashes %s: %s', (...[pattern, path, strictSlashes, expected]) => {
    expect(compileDoublestar(pattern, { strictSlashes })(path)).toBe(expected);
  });

  it('many stars take no longer', () => {
    const matches = compileDoublestar(`${'*a'.repeat(12)}*b`);
    expect(matches(`${'a'.repeat(200)}.yaml`)).toBe(false);
    expect(matches(`${'a'.repeat(200)}b`)).toBe(true);
  });

  it.each([
    ['alternatives', '{a,b,*', 'pattern {a,b,* is malformed: a { is not closed'],
    ['a class', 'a/[b-c', 'pattern a/[b-c is malformed: a [ is not closed'],
  ])('refuses %s that do not end', (...[, pattern, message]) => {
    expect(() => compileDoublestar(pattern)).toThrow(message);
  });
});
