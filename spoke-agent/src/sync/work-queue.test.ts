import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { describe, expect, it, vi } from 'vitest';
import { createWorkQueue } from './work-queue.ts';

function start(options: { concurrency?: number; priority?: Record<string, number>; after?: number } = {}) {
  const clock = createManualClock();
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const queue = createWorkQueue<string>({
    clock,
    concurrency: options.concurrency ?? 1,
    priorityOf: (key) => options.priority?.[key] ?? 0,
    work: async (key) => {
      began.push(key);
      await new Promise<void>((resolve) => ends.push(resolve));
      return options.after;
    },
  });
  const turn = async () => await new Promise((resolve) => setImmediate(resolve));
  const end = async () => {
    ends.shift()?.();
    await turn();
  };
  return { clock, began, queue, end, turn };
}

describe('the work queue', () => {
  it('takes lower priorities first and each key once', async () => {
    const { queue, began, end, turn } = start({ priority: { late: 2, early: -1 } });
    for (const key of ['late', 'middle', 'early', 'middle']) queue.add(key);
    await turn();
    for (let key = 0; key < 4; key += 1) await end();
    expect(began).toEqual(['early', 'middle', 'late']);
    expect(queue.idle).toBe(true);
  });

  it('runs a key again that was added while at work, never twice at a time', async () => {
    const { queue, began, end, turn } = start({ concurrency: 4 });
    queue.add('a');
    await turn();
    queue.add('a');
    queue.add('a');
    await turn();
    expect(began).toEqual(['a']);
    await end();
    expect(began).toEqual(['a', 'a']);
    await end();
    expect(queue.idle).toBe(true);
  });

  it('keeps to its concurrency', async () => {
    const { queue, began, end, turn } = start({ concurrency: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await turn();
    expect(began).toEqual(['a', 'b']);
    await end();
    expect(began).toEqual(['a', 'b', 'c']);
  });

  it('comes back after the time that work asks for, or sooner when told to', async () => {
    const { queue, began, end, turn, clock } = start({ after: 1_000 });
    queue.add('a');
    await turn();
    await end();
    clock.advance(999);
    await turn();
    expect(began).toHaveLength(1);
    clock.advance(1);
    await turn();
    expect(began).toHaveLength(2);
    await end();
    queue.add('a');
    await turn();
    expect(began).toHaveLength(3);
  });

  it('waits for what is at work when it is disposed, and starts nothing more', async () => {
    const { queue, began, end, turn } = start();
    queue.add('a');
    queue.add('b');
    await turn();
    const closed = vi.fn<() => void>();
    const disposing = queue[Symbol.asyncDispose]().then(closed);
    await turn();
    expect(closed).not.toHaveBeenCalled();
    await end();
    await disposing;
    expect(began).toEqual(['a']);
  });
});
