import { describe, expect, it } from 'vitest';
import { compilePathMatch } from './path-match.ts';

describe('compilePathMatch', () => {
  it.each([
    ['a class', '[a-c]x', 'bx', true],
    ['a negated class', '[^a-c]x', 'bx', false],
    ['an escaped end of a range', String.raw`[a-\c]`, 'b', true],
    ['an escaped bracket', String.raw`[\]]`, ']', true],
    ['a class of signs', '[&~^]', '^', true],
    ['characters of two code units', '[🙀-🚀]', '🚀', true],
    ['a range that runs backwards', '[z-a]', 'm', false],
    ['its ends', '[z-a]', 'z', false],
    ['anything but that', '[^z-a]', 'm', true],
    ['what stands beside it', '[z-ab]', 'b', true],
    ['one among many stars', '*[z-a]*x*', 'amxx', false],
    ['all but one among many stars', '*[^z-a]*x*', 'amxx', true],
  ])('%s: %s on %s', (...[, pattern, text, expected]) => {
    expect(compilePathMatch(pattern)?.(text)).toBe(expected);
  });

  it.each(['[a-z', '[', '[^', String.raw`a[\]`])('cannot read %s', (pattern) => {
    expect(compilePathMatch(pattern)).toBeUndefined();
  });
});
