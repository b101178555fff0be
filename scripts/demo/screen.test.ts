import { expect, it } from 'vitest';
import { createScreen } from './screen.ts';

const escape = '\u001B[';

function drawAll(size: { columns: number; rows: number; isTTY?: boolean }, ...frames: string[][]): string[] {
  const written: string[] = [];
  const screen = createScreen({ isTTY: true, ...size, write: (text) => written.push(text) });
  for (const frame of frames) screen.draw(frame);
  return written;
}

it('draws over what it drew before, and over nothing else', () => {
  const [first, second, third] = drawAll({ columns: 80, rows: 24 }, ['one', 'two'], ['three'], ['four']);
  expect(first).toBe(`\rone${escape}K\ntwo${escape}K\n${escape}J`);
  expect(second).toBe(`${escape}2A\rthree${escape}K\n${escape}J`);
  expect(third).toBe(`${escape}1A\rfour${escape}K\n${escape}J`);
});

it('never draws more rows than the window has, and says what is left out', () => {
  const lines = Array.from({ length: 10 }, (_, index) => `line ${index}`);
  const [frame = ''] = drawAll({ columns: 80, rows: 7 }, lines);
  expect(frame.replaceAll(`${escape}K`, '').replaceAll(`${escape}J`, '').trim().split('\n')).toEqual([
    'line 0',
    'line 1',
    'line 2',
    '  … and 5 more lines: make the window higher',
    'line 8',
    'line 9',
  ]);
});

it.each([
  ['plain text', 'abcdefgh', 'abcde'],
  ['short text', 'abc', 'abc'],
  ['a color that ends in view', `a${escape}32mbc${escape}0mdefg`, `a${escape}32mbc${escape}0mde`],
  ['a color that begins out of view', `abcdef${escape}32mg${escape}0m`, `abcde${escape}32m${escape}0m`],
])('cuts %s at the right edge', (_, line, cut) => {
  expect(drawAll({ columns: 5, rows: 24 }, [line])).toEqual([`\r${cut}${escape}K\n${escape}J`]);
});

it('leaves files and pipes alone', () => {
  expect(drawAll({ columns: 80, rows: 24, isTTY: false }, ['one'], ['two'])).toEqual([]);
});
