/**
 * The work queue between the stages: one BullMQ queue a stage, a job a key, deduplicated like a controller's work queue
 * (one at a time per key, and a trigger that comes while its key is active is never lost).
 * A job carries its key and a trace context, nothing else: every stage re-reads what it needs, so jobs may be lost,
 * repeated or reordered without harm. Redis is never the only copy of anything.
 */

import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Logger } from '@wheelhouse/shared/logging/logger';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';

export const stages = ['source', 'generate', 'render', 'hydrate', 'assign', 'failover', 'rollout', 'sweep'] as const;
export type Stage = (typeof stages)[number];

export interface Trigger {
  /** What to work on: a repository, an ApplicationSet, a render key, a branch, a shard. No `:`. */
  key: string;
  /** W3C trace context of what caused it. */
  traceparent?: string | undefined;
}

export interface WorkQueue {
  /** Makes keys due. A key that is waiting already stays where it is; one that is active runs once more afterwards. */
  enqueue(stage: Stage, triggers: readonly Trigger[]): Promise<void>;
  /** Starts working on a stage. The handler's error decides: retryable ones are tried again with back-off. */
  work(stage: Stage, handler: (trigger: Trigger, signal: AbortSignal) => Promise<void>, concurrency: number): void;
  /** Jobs by stage and state. */
  counts(): Promise<Record<Stage, Record<string, number>>>;
  /** Whether Redis still has the mark left by `mark`; false after it lost its data. */
  marked(): Promise<boolean>;
  mark(): Promise<void>;
  /** True for one replica in each period of `ms`. */
  once(name: string, ms: number): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface WorkQueueOptions {
  redisUrl: string;
  /** Key prefix in Redis; default `wheelhouse`. */
  prefix?: string;
}

const lockMs = 5_000;
/** How often a replica looks for jobs whose lock has ended: those of one that was killed go on within 6 s. */
const stalledMs = 1_000;
const attempts = 3;

export async function createWorkQueue(
  deps: { logger: Logger; signal: AbortSignal },
  options: WorkQueueOptions,
): Promise<WorkQueue> {
  const prefix = options.prefix ?? 'wheelhouse';
  const producer = connect(deps.logger, options.redisUrl, { enableOfflineQueue: false });
  await ready(producer, options.redisUrl);
  await checkDurability(producer, deps.logger);
  const queues = new Map(stages.map((stage) => [stage, createQueue(stage, producer, prefix)]));
  const workers: Worker[] = [];
  const connections = [producer];

  return {
    enqueue: async (stage, triggers) =>
      await addJobs(
        queues.get(stage),
        stage,
        triggers.map((trigger) => formatJob(stage, trigger)),
      ),
    work: (stage, handler, concurrency) => {
      const connection = connect(deps.logger, options.redisUrl, { maxRetriesPerRequest: null });
      connections.push(connection);
      workers.push(startWorker(stage, { ...deps, connection, prefix, handler, concurrency }));
    },
    counts: async () => {
      const counts = await Promise.all(
        [...queues].map(
          async ([stage, queue]) =>
            [stage, await queue.getJobCounts('waiting', 'active', 'delayed', 'failed')] as const,
        ),
      );
      return Object.fromEntries(counts) as Record<Stage, Record<string, number>>;
    },
    marked: async () => (await producer.exists(`${prefix}:mark`)) === 1,
    mark: async () => {
      await producer.set(`${prefix}:mark`, new Date().toISOString());
    },
    once: async (name, ms) => (await producer.set(`${prefix}:once:${name}`, '1', 'PX', Math.round(ms), 'NX')) === 'OK',
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      for (const connection of connections) connection.disconnect();
    },
  };
}

async function addJobs(
  queue: Queue<Trigger> | undefined,
  stage: Stage,
  jobs: ReturnType<typeof formatJob>[],
): Promise<void> {
  for (let at = 0; at < jobs.length; at += 1_000) {
    await queue?.addBulk(jobs.slice(at, at + 1_000)).catch((error: unknown) => {
      throw new FleetError('QueueUnavailable', `cannot enqueue ${jobs.length} jobs of stage ${stage}: is Redis up?`, {
        cause: error,
      });
    });
  }
}

interface WorkerOptions {
  logger: Logger;
  signal: AbortSignal;
  connection: Redis;
  prefix: string;
  handler: (trigger: Trigger, signal: AbortSignal) => Promise<void>;
  concurrency: number;
}

function startWorker(stage: Stage, options: WorkerOptions): Worker {
  const { logger, connection, prefix, concurrency } = options;
  const worker = new Worker(stage, async (job) => await runJob(job, options.handler, options.signal), {
    connection,
    prefix,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: 5,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 1_000 },
    settings: { backoffStrategy: (attempt) => 500 * 2 ** attempt * (0.5 + Math.random()) },
  });
  worker.on('error', (error) => logger.debug({ stage, err: error }, 'queue connection'));
  worker.on('failed', (job, error) => logger.warn({ stage, key: job?.data.key, err: error }, 'job failed'));
  return worker;
}

function createQueue(stage: Stage, connection: Redis, prefix: string): Queue<Trigger> {
  return new Queue<Trigger>(stage, { connection, prefix, skipVersionCheck: true });
}

function formatJob(stage: Stage, trigger: Trigger) {
  if (trigger.key.includes(':')) throw new FleetError('Internal', `job key '${trigger.key}' holds a colon`);
  return {
    name: stage,
    data: trigger,
    opts: {
      deduplication: { id: trigger.key, keepLastIfActive: true },
      attempts,
      backoff: { type: 'custom' },
      removeOnComplete: true,
      removeOnFail: { count: 1_000 },
    },
  };
}

async function runJob(
  job: Job<Trigger>,
  handler: (trigger: Trigger, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await handler(job.data, signal);
  } catch (error) {
    const known = toFleetError(error);
    if (known.retryable) throw known;
    const final = new UnrecoverableError(known.message);
    final.cause = known;
    throw final;
  }
}

function connect(
  logger: Logger,
  url: string,
  options: { enableOfflineQueue?: boolean; maxRetriesPerRequest?: null },
): Redis {
  const connection = new Redis(url, {
    ...options,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
    lazyConnect: false,
  });
  connection.on('error', (error: Error) => logger.debug({ err: error }, 'redis connection'));
  return connection;
}

async function ready(connection: Redis, url: string): Promise<void> {
  if (connection.status === 'ready') return;
  let cause: Error | undefined;
  connection.on('error', (error: Error) => (cause = error));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `no Redis at ${withoutPassword(url)} after 20 s${cause ? `: ${cause.message}` : ''}`;
      reject(new FleetError('QueueUnavailable', message, { cause }));
    }, 20_000);
    connection.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** BullMQ: "going to production": jobs may not be evicted, and should survive a restart of Redis. */
async function checkDurability(connection: Redis, logger: Logger): Promise<void> {
  const info = await connection.info();
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    throw new FleetError(
      'Invalid',
      `Redis has maxmemory-policy ${policy}: set it to noeviction, or jobs are lost under memory pressure`,
    );
  if (/aof_enabled:0/.test(info))
    logger.warn(
      'redis has no append-only file: jobs in flight are lost when it restarts, and found again by the next sweep',
    );
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, '//');
}
