import { describe, expect, it } from 'vitest';
import { createLimit } from './limit.ts';

const settle = async () => await new Promise((resolve) => setImmediate(resolve));

/** Begins a task that ends by hand. */
function begin(limit: ReturnType<typeof createLimit>, signal?: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const state = { began: false, end: resolve, done: Promise.resolve() };
  state.done = limit(async () => {
    state.began = true;
    await promise;
  }, signal);
  state.done.catch(() => undefined);
  return state;
}

describe('createLimit', () => {
  it('runs so many at a time, first come first served', async () => {
    const limit = createLimit(2);
    const tasks = [begin(limit), begin(limit), begin(limit), begin(limit)];
    await settle();
    expect(tasks.map(({ began }) => began)).toEqual([true, true, false, false]);
    tasks[1]?.end();
    await settle();
    expect(tasks.map(({ began }) => began)).toEqual([true, true, true, false]);
  });

  it('lets who waits go with the reason of its signal, and keeps the place of the others', async () => {
    const limit = createLimit(1);
    const stop = new AbortController();
    const first = begin(limit);
    const given = begin(limit, stop.signal);
    const last = begin(limit);
    stop.abort(new Error('enough'));
    await expect(given.done).rejects.toThrow('enough');
    first.end();
    await settle();
    expect([given.began, last.began]).toEqual([false, true]);
    last.end();
    await last.done;
    const after = begin(limit);
    await settle();
    expect(after.began).toBe(true);
  });

  it('does not begin for a signal that has aborted, and leaves one that aborts later to the task', async () => {
    const limit = createLimit(1);
    await expect(limit(async () => 1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    const stop = new AbortController();
    const running = begin(limit, stop.signal);
    await settle();
    stop.abort();
    running.end();
    await running.done;
  });
});
