import { expect, it } from 'vitest';
import { withoutLogin } from './http-client.ts';

it.each([
  ['https://git.example/x', 'https://git.example/x'],
  ['https://ci:pass@git.example/x', 'https://git.example/x'],
  ['https://ci:p@ss@git.example/x', 'https://git.example/x'],
  ['https://git.example/x@y', 'https://git.example/x@y'],
  ['https://git.example?user=a@b', 'https://git.example?…'],
  ['https://ci:p@ss@store.example/x?signature=s', 'https://store.example/x?…'],
])('shows %s as %s', (url, expected) => {
  expect(withoutLogin(url)).toBe(expected);
});
