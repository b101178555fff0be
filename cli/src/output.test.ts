import { expect, it } from 'vitest';
import { formatTable } from './output.ts';

it('a table may have more rows than a call takes arguments', () => {
  const lines = formatTable(
    [...Array(200_000).keys(), 'the widest'],
    [
      ['KEY', (key) => key],
      ['AGAIN', (key) => key],
    ],
  ).split('\n');
  expect([lines.length, lines[0], lines[1]]).toEqual([200_003, 'KEY          AGAIN', '0            0']);
});
