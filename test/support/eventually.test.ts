import { expect, it } from 'vitest';
import { eventually } from './eventually.ts';

it('repeats until the assertion holds, and returns its value', async () => {
  let tries = 0;
  const attempt = () => {
    tries += 1;
    if (tries < 3) throw new Error(`try ${tries}`);
    return tries;
  };
  expect(await eventually(attempt, { intervalMs: 1 })).toBe(3);
});

it('throws the last error when the time is over', async () => {
  let tries = 0;
  const attempt = () => {
    tries += 1;
    throw new Error(`try ${tries}`);
  };
  await expect(eventually(attempt, { timeoutMs: 30, intervalMs: 1 })).rejects.toThrow(/^try \d+$/);
  expect(tries).toBeGreaterThan(1);
});
