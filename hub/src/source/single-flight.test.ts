import { describe, expect, it } from 'vitest';
import { createSingleFlight } from './single-flight.ts';

const forever = new AbortController().signal;

/** A task whose runs are counted and ended by hand. */
function createTask() {
  const runs: { signal: AbortSignal; end(value: string): void; fail(error: Error): void }[] = [];
  const task = async (signal: AbortSignal) =>
    await new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('task stopped')));
      runs.push({ signal, end: resolve, fail: reject });
    });
  return { runs, task };
}

const settle = async () => await new Promise((resolve) => setImmediate(resolve));

describe('createSingleFlight', () => {
  it('shares one run among those who come before it begins', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const both = Promise.all([flight.run('a', forever, task), flight.run('a', forever, task)]);
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.end('x');
    expect(await both).toEqual(['x', 'x']);
  });

  it('gives those who come later a run of their own, one for all of them', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const first = flight.run('a', forever, task);
    await settle();
    const later = Promise.all([flight.run('a', forever, task), flight.run('a', forever, task)]);
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.end('old');
    expect(await first).toBe('old');
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.end('new');
    expect(await later).toEqual(['new', 'new']);
  });

  it('runs different keys side by side', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const both = Promise.all([flight.run('a', forever, task), flight.run('b', forever, task)]);
    await settle();
    expect(runs).toHaveLength(2);
    for (const run of runs) run.end('x');
    await both;
  });

  it('goes on after a failure', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const first = flight.run('a', forever, task);
    await settle();
    const second = flight.run('a', forever, task);
    runs[0]?.fail(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await settle();
    runs[1]?.end('yes');
    expect(await second).toBe('yes');
  });

  it('ends the waiting of one, and the task only when nobody waits', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = flight.run('a', one.signal, task);
    const second = flight.run('a', two.signal, task);
    await settle();
    one.abort();
    await expect(first).rejects.toMatchObject({ code: 'Aborted' });
    expect(runs[0]?.signal.aborted).toBe(false);
    two.abort();
    await expect(second).rejects.toMatchObject({ code: 'Aborted' });
    expect(runs[0]?.signal.aborted).toBe(true);
  });

  it('never runs what everybody gave up before it began, and runs for who comes after', async () => {
    const { runs, task } = createTask();
    const flight = createSingleFlight<string>();
    const first = flight.run('a', forever, task);
    await settle();
    const controller = new AbortController();
    const given = flight.run('a', controller.signal, task);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'Aborted' });
    const after = flight.run('a', forever, task);
    runs[0]?.end('one');
    await first;
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.end('two');
    expect(await after).toBe('two');
  });

  it('says Timeout when that is why it ended', async () => {
    const flight = createSingleFlight<string>();
    await expect(flight.run('a', AbortSignal.timeout(1), createTask().task)).rejects.toMatchObject({ code: 'Timeout' });
  });
});
