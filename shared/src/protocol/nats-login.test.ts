import { expect, test } from 'vitest';
import { createReconnectPolicy } from './nats-login.ts';

const server = 'tls://127.0.0.1:4222';

function waits(random: number, count: number): number[] {
  const policy = createReconnectPolicy({ baseMs: 4_000, factor: 1.5, maxMs: 10_000, random: () => random });
  policy.connected();
  return Array.from({ length: count }, () => policy.options.reconnectToServer([server])?.delay ?? -1);
}

test('after a loss the first attempt may come at once, and each later one waits for at least half of its bound', () => {
  expect(waits(0, 5)).toEqual([0, 3_000, 4_500, 5_000, 5_000]);
});

test('no attempt waits for longer than its bound', () => {
  expect(waits(1, 5)).toEqual([4_000, 6_000, 9_000, 10_000, 10_000]);
});

test('attempts begin anew once a connection stands, and a planned one is made at once', () => {
  const policy = createReconnectPolicy({ baseMs: 4_000, maxMs: 60_000, random: () => 1 }, 700);
  const next = () => policy.options.reconnectToServer([server])?.delay;
  expect([next(), next(), next()]).toEqual([700, 8_000, 16_000]);
  policy.connected();
  expect(next()).toBe(4_000);
  policy.expedite();
  expect(next()).toBe(0);
});

test('a stopped policy makes no attempt', () => {
  const policy = createReconnectPolicy({ baseMs: 1, maxMs: 1 });
  policy.stop();
  expect(() => policy.options.reconnectToServer([server])).toThrow(expect.objectContaining({ code: 'Aborted' }));
});
