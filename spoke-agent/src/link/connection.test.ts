import { createReconnectPolicy } from '@wheelhouse/shared/protocol/nats-login';
import { expect, test } from 'vitest';
import { spokeBackoff } from './connection.ts';

const spokes = 5_000;

/** When each spoke's attempts are made, in ms after the loss, until one finds the server there. */
function attemptsOf(random: () => number, backAtMs: number): number[] {
  const policy = createReconnectPolicy({ ...spokeBackoff, random });
  policy.connected();
  const attempts: number[] = [];
  let at = 0;
  do {
    at += policy.options.reconnectToServer(['tls://nats:4222'])?.delay ?? Number.NaN;
    attempts.push(at);
  } while (at < backAtMs);
  return attempts;
}

test('a fleet whose server is away for a moment fails seldom, comes back within seconds, and never all at once', () => {
  const backAtMs = 2_500;
  const random = sequence();
  const fleet = Array.from({ length: spokes }, () => attemptsOf(random, backAtMs));
  const failures = fleet.reduce((sum, attempts) => sum + attempts.length - 1, 0);
  expect(failures / spokes).toBeLessThan(0.8);
  expect(Math.max(...fleet.map((attempts) => attempts.at(-1) ?? 0)) - backAtMs).toBeLessThan(7_000);
  const bySecond = Object.groupBy(fleet.flat(), (at) => Math.floor(at / 1_000));
  // the server refuses more than 2,000 new connections a second
  for (const attempts of Object.values(bySecond)) expect(attempts?.length).toBeLessThan(2_000);
});

/** Park and Miller's generator: the same draws in each run. */
function sequence(): () => number {
  let state = 20_251;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
