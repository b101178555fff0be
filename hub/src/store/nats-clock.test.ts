import { createLogger } from '@wheelhouse/shared/logging/logger';
import { expect, it, vi } from 'vitest';
import type { HubNats } from './nats.ts';
import { createNatsClock } from './nats-clock.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const natsAt = Date.parse('2026-01-01T12:00:00Z');

/** A machine whose clock is ahead by so much, and a NATS that takes a while to answer. */
function fixture(aheadMs: number) {
  const state = { wall: natsAt + aheadMs, elapsed: 0, nats: natsAt, answerMs: 20, answers: 0 };
  const listeners: (() => void)[] = [];
  // what the clock asks of a connection; the real one is in test/e2e/hub-clocks.test.ts
  const nats = {
    run: async <T>(request: () => Promise<T>) => await request(),
    connection: {
      request: async () => {
        if (Number.isNaN(state.nats)) throw new Error('nats is away');
        const ts = new Date(state.nats + state.answerMs / 2).toISOString();
        state.wall += state.answerMs;
        state.elapsed += state.answerMs;
        state.nats += state.answerMs;
        state.answers += 1;
        return { json: () => ({ ts }) };
      },
    },
    onReconnect: (listener: () => void) => {
      listeners.push(listener);
      return { [Symbol.dispose]: () => undefined };
    },
  } as unknown as HubNats;
  const logger = createLogger({ name: 'test', level: 'silent' });
  const errors = vi.spyOn(logger, 'error');
  const clocks = { wall: () => state.wall, elapsed: () => state.elapsed };
  const clock = createNatsClock({ logger, ...clocks }, { intervalMs: 3_600_000 });
  const reconnect = async () => {
    const before = state.answers;
    for (const listener of listeners) listener();
    await vi.waitFor(() => expect(state.answers).toBeGreaterThan(before), within);
  };
  return { state, nats, clock, errors, reconnect, apartMs: () => clock.now().getTime() - state.nats };
}

it.each([
  ['ahead', 600_000],
  ['behind', -600_000],
])('that of a machine whose clock is ten minutes %s is that of NATS, and it is said', async (...[, aheadMs]) => {
  const stop = new AbortController();
  const { clock, nats, apartMs, errors } = fixture(aheadMs);
  await clock.follow(nats, stop.signal);
  expect(apartMs()).toBe(0);
  expect(errors.mock.calls.map(([details]) => details)).toEqual([{ aheadMs }]);
  stop.abort();
});

it('that differs by little is left alone', async () => {
  const stop = new AbortController();
  const { clock, nats, apartMs, errors } = fixture(4_000);
  await clock.follow(nats, stop.signal);
  expect([apartMs(), errors.mock.calls.length]).toEqual([4_000, 0]);
  stop.abort();
});

it('follows a clock that is set meanwhile, and keeps what it knows while NATS is away or slow', async () => {
  const stop = new AbortController();
  const { clock, nats, state, apartMs, reconnect } = fixture(600_000);
  await clock.follow(nats, stop.signal);
  state.answerMs = 10_000;
  await reconnect();
  expect(apartMs()).toBe(0);
  state.answerMs = 20;
  state.wall = state.nats;
  await reconnect();
  await vi.waitFor(() => expect(apartMs()).toBe(0), within);
  stop.abort();
});

it.each([
  ['is set to ten minutes ahead', 0, 600_000],
  ['is set to ten minutes behind', 0, -600_000],
  ['was ten minutes ahead and is set right', 600_000, -600_000],
])(
  'is right at the next use when the clock of the machine %s, and NATS is asked once',
  async (_what, aheadMs, stepMs) => {
    const stop = new AbortController();
    const { clock, nats, state, apartMs, errors } = fixture(aheadMs);
    await clock.follow(nats, stop.signal);
    state.answerMs = 0;
    state.wall += stepMs;
    expect([apartMs(), apartMs()]).toEqual([0, 0]);
    await vi.waitFor(() => expect(errors.mock.calls.at(-1)?.[0]).toEqual({ aheadMs: aheadMs || stepMs }));
    expect([apartMs(), state.answers]).toEqual([0, 2]);
    stop.abort();
  },
);

it('is right at the next use after a step while NATS is away, however long that is', async () => {
  const stop = new AbortController();
  const { clock, nats, state } = fixture(0);
  await clock.follow(nats, stop.signal);
  const before = state.nats;
  state.nats = Number.NaN;
  state.wall += 600_000;
  expect(clock.now().getTime()).toBe(before);
  state.wall += 120_000;
  state.elapsed += 120_000;
  expect(clock.now().getTime()).toBe(before + 120_000);
  stop.abort();
});

it('of a machine that slept is behind until NATS has answered, and right from then on', async () => {
  const stop = new AbortController();
  const { clock, nats, state, apartMs, errors } = fixture(0);
  await clock.follow(nats, stop.signal);
  state.answerMs = 0;
  state.wall += 600_000;
  state.nats += 600_000;
  expect(apartMs()).toBe(-600_000);
  await vi.waitFor(() => expect(apartMs()).toBe(0));
  expect(errors).not.toHaveBeenCalled();
  stop.abort();
});

it('is the machine’s own when NATS does not answer', async () => {
  const stop = new AbortController();
  const { clock, nats, state } = fixture(600_000);
  state.nats = Number.NaN;
  await clock.follow(nats, stop.signal);
  expect(clock.now().getTime()).toBe(state.wall);
  stop.abort();
});
