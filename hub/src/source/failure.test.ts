import { expect, it } from 'vitest';
import { scrub } from './failure.ts';
import { toRemote } from './remote.ts';

it.each([
  ['https://ci:p@ss@git.example/x', 'no https://ci:p@ss@git.example/x here', 'no https://git.example/x here'],
  ['https://ci:p@ss@git.example/x', 'password p@ss is wrong', 'password [redacted] is wrong'],
  ['https://ci:pass@git.example/x', "fatal: 'https://ci:pass@git.example/x'", "fatal: 'https://git.example/x'"],
  ['https://git.example/x', 'https://a:b@c@other.example/x@y moved', 'https://other.example/x@y moved'],
  [
    'https://git.example/x',
    'https://git.example: write to ops@git.example',
    'https://git.example: write to ops@git.example',
  ],
])('of %s, passes %j on as %j', (url, text, expected) => {
  expect(scrub(text, toRemote({ url }, { rewrites: [], allowFile: false }))).toBe(expected);
});
