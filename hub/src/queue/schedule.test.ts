import { describe, expect, it, vi } from 'vitest';
import { logger } from '../testing/hub-state.ts';
import { createSchedule, type Schedule } from './schedule.ts';

/** A queue that has, or has lost, its mark, and what ran. */
function createParts(intervals: { poll?: number; sweep?: number } = {}, requeues: string[] = []) {
  const done: string[] = [];
  const redis = { marked: true, up: true, turns: new Set<string>() };
  const answer = () => {
    if (!redis.up) throw new Error('no redis');
  };
  const queue = {
    marked: async () => {
      answer();
      return redis.marked;
    },
    mark: async () => {
      answer();
      redis.marked = true;
      done.push('mark');
    },
    once: async (name: string) => {
      answer();
      const isMine = !redis.turns.has(name);
      redis.turns.add(name);
      return isMine;
    },
  };
  const { poll = 3_600_000, sweep = 3_600_000 } = intervals;
  const schedule = createSchedule({ logger, queue, pollIntervalMs: poll, sweepIntervalMs: sweep });
  const work = {
    sweep: async () => void done.push('sweep'),
    sources: async () => void done.push('sources'),
    requeues: () => requeues.map((name) => ({ name, intervalMs: 60_000, run: async () => void done.push(name) })),
    plans: async () => undefined,
  };
  return { done, redis, schedule, work };
}

const within = { timeout: 20_000 };
const signal = new AbortController().signal;
const start = ({ schedule, work }: { schedule: Schedule; work: Parameters<Schedule['start']>[0] }) =>
  schedule.start(work, signal);

describe('a schedule', () => {
  it('sweeps when it starts, whatever Redis holds', async () => {
    const parts = createParts();
    await using _ = start(parts);
    await vi.waitFor(() => expect(parts.done).toEqual(['mark', 'sweep']), within);
  });

  it.each<[string, (parts: ReturnType<typeof createParts>) => void]>([
    ['Redis lost its data', ({ redis }) => void (redis.marked = false)],
    ['something could not be enqueued', ({ schedule }) => schedule.lost()],
  ])('sweeps again when %s', async (_name, happen) => {
    const parts = createParts();
    await using _ = start(parts);
    await vi.waitFor(() => expect(parts.done).toHaveLength(2), within);
    happen(parts);
    await vi.waitFor(() => expect(parts.done).toEqual(['mark', 'sweep', 'mark', 'sweep']), within);
  });

  it('waits for a Redis that does not answer, and sweeps then', async () => {
    const parts = createParts();
    parts.redis.up = false;
    await using _ = start(parts);
    expect(parts.done).toEqual([]);
    parts.redis.up = true;
    await vi.waitFor(() => expect(parts.done).toEqual(['mark', 'sweep']), within);
  });

  it('evaluates a set by its own interval, in turn with other replicas', async () => {
    const parts = createParts({}, ['argocd.a', 'argocd.b']);
    parts.redis.turns.add('requeue.argocd.b');
    await using _ = start(parts);
    await vi.waitFor(() => expect(parts.done).toContain('argocd.a'), within);
    expect(parts.done).not.toContain('argocd.b');
  });

  it('looks at repositories and sweeps now and then, in turn with other replicas', async () => {
    const parts = createParts({ poll: 5, sweep: 10 });
    await using _ = start(parts);
    await vi.waitFor(() => expect(parts.done.filter((one) => one === 'sources')).toHaveLength(1), within);
    await vi.waitFor(() => expect(parts.done.filter((one) => one === 'sweep')).toHaveLength(2), within);
    parts.redis.turns.clear();
    await vi.waitFor(() => expect(parts.done.filter((one) => one === 'sources')).toHaveLength(2), within);
  });

  it('stops without waiting for the next turn', async () => {
    const parts = createParts();
    const running = start(parts);
    await vi.waitFor(() => expect(parts.done).toHaveLength(2), within);
    await running[Symbol.asyncDispose]();
  });
});
