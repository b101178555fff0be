/**
 * What happens without a trigger: repositories are looked at, everything is swept now and then, and at once when Redis
 * has lost its data or could not be reached. Replicas take turns by a key in Redis.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Dispatch } from './dispatch.ts';
import type { WorkQueue } from './queue.ts';

export interface ScheduleDeps {
  logger: Logger;
  queue: Pick<WorkQueue, 'marked' | 'mark' | 'once'>;
  pollIntervalMs: number;
  sweepIntervalMs: number;
}

export interface Schedule {
  /** Something could not be enqueued: sweep as soon as Redis answers. */
  lost(): void;
  start(dispatch: Pick<Dispatch, 'sweep' | 'sources' | 'requeues' | 'plans'>, signal: AbortSignal): AsyncDisposable;
}

const watchMs = 1_000;
/** Plans are looked at this often: soaks end and deadlines pass without anything that happens. */
const planMs = 1_000;
/** How long a replica does not ask Redis again whether an interval has passed. */
const maxAskMs = 30_000;
const jitter = 0.25;

export function createSchedule(deps: ScheduleDeps): Schedule {
  let isLost = true;
  const { queue, logger } = deps;
  const watch = async (dispatch: Pick<Dispatch, 'sweep'>, signal: AbortSignal) => {
    do {
      try {
        if (!isLost && (await queue.marked())) continue;
        isLost = false;
        await queue.mark();
        await dispatch.sweep();
        logger.info('swept: everything is compared with what is published');
      } catch (error) {
        isLost = true;
        logger.warn({ err: error }, 'redis does not answer; spokes go on alone');
      }
    } while (await sleep(watchMs, signal));
  };
  const every = async (name: string, ms: number, task: { run(): Promise<void>; signal: AbortSignal }) => {
    while (await sleep(ms * (1 + Math.random() * jitter), task.signal)) {
      try {
        if (await queue.once(name, ms * 0.8)) await task.run();
      } catch (error) {
        logger.warn({ err: error, schedule: name }, 'schedule could not run');
      }
    }
  };
  return {
    lost: () => {
      isLost = true;
    },
    start: (dispatch, parent) => {
      const stop = new AbortController();
      const signal = AbortSignal.any([parent, stop.signal]);
      const loops = Promise.all([
        watch(dispatch, signal),
        every('poll', deps.pollIntervalMs, { run: dispatch.sources, signal }),
        requeue(dispatch, deps, signal),
        every('sweep', deps.sweepIntervalMs, { run: dispatch.sweep, signal }),
        every('plans', planMs, { run: dispatch.plans, signal }),
      ]);
      return {
        [Symbol.asyncDispose]: async () => {
          stop.abort();
          await loops;
        },
      };
    },
  };
}

/** Redis keeps the time: whichever replica comes first after an interval has passed acts, and none does twice. */
async function requeue(dispatch: Pick<Dispatch, 'requeues'>, deps: ScheduleDeps, signal: AbortSignal): Promise<void> {
  const askedAt = new Map<string, number>();
  while (await sleep(watchMs, signal)) {
    const now = performance.now();
    const due = dispatch
      .requeues()
      .filter(({ name, intervalMs }) => now - (askedAt.get(name) ?? -Infinity) >= Math.min(intervalMs / 10, maxAskMs));
    for (const { name, intervalMs, run } of due) {
      askedAt.set(name, now);
      const isTurn = deps.queue.once(`requeue.${name}`, intervalMs);
      await isTurn
        .then(async (isMine) => await (isMine ? run() : undefined))
        .catch((error: unknown) => deps.logger.warn({ err: error, schedule: name }, 'schedule could not run'));
    }
  }
}
