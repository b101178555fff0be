import { beforeEach, describe, expect, it } from 'vitest';
import { type Arrivals, createArrivals } from './arrivals.ts';

const { signal } = new AbortController();
let arrivals: Arrivals;

beforeEach(() => {
  arrivals = createArrivals();
});

describe('waiting for a message', () => {
  it('ends once it was delivered or passed, in whatever order people came', async () => {
    const waits = [7, 5, 6].map(async (seq) => await arrivals.wait(seq, signal));
    arrivals.advance(5);
    await expect(waits[1]).resolves.toBeUndefined();
    arrivals.advance(9);
    await expect(Promise.all([...waits, arrivals.wait(9, signal)])).resolves.toHaveLength(4);
  });

  it('ends for everybody when the stream is another one, and goes by its sequences then', async () => {
    arrivals.advance(100);
    const waits = [101, 900].map(async (seq) => await arrivals.wait(seq, signal));
    arrivals.restart(new Error('lost'));
    for (const result of await Promise.allSettled(waits)) expect(result).toMatchObject({ reason: { message: 'lost' } });
    const next = arrivals.wait(2, signal);
    arrivals.advance(2);
    await next;
  });

  it('ends for everybody when nothing is followed any more, and for those who come later', async () => {
    arrivals.advance(3);
    const wait = arrivals.wait(4, signal);
    arrivals.end(new Error('stopped'));
    await expect(wait).rejects.toThrow('stopped');
    for (const seq of [1, 4]) await expect(arrivals.wait(seq, signal)).rejects.toThrow('stopped');
  });

  it('ends with the signal of whoever waits, for nobody else', async () => {
    const mine = new AbortController();
    const [wait, other] = [arrivals.wait(4, mine.signal), arrivals.wait(4, signal)];
    mine.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
    arrivals.advance(4);
    await other;
  });
});
