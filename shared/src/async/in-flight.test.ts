import { describe, expect, it } from 'vitest';
import { createInFlight } from './in-flight.ts';

const forever = new AbortController().signal;

describe('createInFlight', () => {
  it('runs once for all who ask for one key meanwhile', async () => {
    const inFlight = createInFlight<number>();
    const { promise, resolve } = Promise.withResolvers<number>();
    let runs = 0;
    const task = async () => {
      runs += 1;
      return await promise;
    };
    const results = Promise.all([
      inFlight('a', forever, task),
      inFlight('a', forever, task),
      inFlight('b', forever, task),
    ]);
    resolve(7);
    expect(await results).toEqual([7, 7, 7]);
    expect(runs).toBe(2);
    expect(await inFlight('a', forever, async () => 8)).toBe(8);
  });

  it('goes on for who still waits, and stops when nobody does', async () => {
    const inFlight = createInFlight<never>();
    const stopped = Promise.withResolvers<string>();
    const [first, second] = [new AbortController(), new AbortController()];
    const task = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => stopped.resolve('stopped'));
      return new Promise<never>(() => undefined);
    };
    const waits = [inFlight('a', first.signal, task), inFlight('a', second.signal, task)];
    first.abort();
    await expect(waits[0]).rejects.toMatchObject({ code: 'Aborted' });
    expect(await Promise.race([stopped.promise, Promise.resolve('running')])).toBe('running');
    second.abort();
    await expect(waits[1]).rejects.toMatchObject({ code: 'Aborted' });
    expect(await stopped.promise).toBe('stopped');
  });

  it('tells everybody of a failure, and tries again for the next', async () => {
    const inFlight = createInFlight<number>();
    const fail = async () => await Promise.reject<number>(new Error('no'));
    const results = await Promise.allSettled([inFlight('a', forever, fail), inFlight('a', forever, fail)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await inFlight('a', forever, async () => 1)).toBe(1);
  });
});
