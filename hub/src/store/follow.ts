import { DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { type Arrivals, createArrivals } from './arrivals.ts';
import type { HubNats } from './nats.ts';

export interface FollowOptions {
  stream: string;
  /** Only subjects that match. */
  filter?: string;
  /** Leave bodies out. */
  headersOnly?: boolean;
  /** Called in the order of the stream. What it throws is logged and the message counts as seen. */
  onMessage(message: JsMsg): void;
  /** The stream is another one than before (NATS lost its data): what was learnt from it no longer holds. */
  onReplaced?(): void;
}

export interface Follower {
  /** Resolves once everything that the stream held at the start was delivered. */
  loaded(): Promise<void>;
  /** Resolves once this sequence was delivered or passed; rejects when it cannot be, and when either signal aborts. */
  reached(seq: number, signal: AbortSignal): Promise<void>;
}

/**
 * Delivers a last-value stream from its first message and then as it changes, for as long as the signal allows: through
 * reconnections, server restarts and loss of the stream. One ordered consumer for each replica that follows.
 */
export function follow(deps: { nats: HubNats; logger: Logger }, options: FollowOptions, signal: AbortSignal): Follower {
  const arrivals = createArrivals();
  const loaded = Promise.withResolvers<void>();
  const advance = (message: JsMsg) => {
    deliver(deps.logger, options, message);
    arrivals.advance(message.seq);
    if (message.info.pending === 0) loaded.resolve();
  };
  const end = () => {
    const stopped = new FleetError('Aborted', `stopped following ${options.stream}`);
    loaded.reject(stopped);
    arrivals.end(stopped);
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  // who waits for it is told; where nobody does, the end is no failure
  loaded.promise.catch(() => undefined);
  void run({ ...deps, options, arrivals, created: undefined, advance, onEmpty: loaded.resolve }, signal);
  return {
    loaded: () => loaded.promise,
    reached: arrivals.wait,
  };
}

interface Run {
  nats: HubNats;
  logger: Logger;
  options: FollowOptions;
  arrivals: Arrivals;
  /** `created` of the stream: tells it from one of the same name after a loss of data. */
  created: string | undefined;
  advance(message: JsMsg): void;
  onEmpty(): void;
}

async function run(work: Run, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await consume(work, signal);
      attempt = 0;
    } catch (error) {
      if (signal.aborted) return;
      work.logger.warn({ err: error, stream: work.options.stream }, 'following a stream failed; trying again');
    }
    await sleep(backoffMs(attempt, { baseMs: 200, maxMs: 10_000 }), signal);
  }
}

/** Ends when the stream was replaced or the consumer gave up. */
async function consume(work: Run, signal: AbortSignal): Promise<void> {
  const { nats, options, arrivals } = work;
  await noticeReplacement(work);
  const start = {
    ...(options.filter ? { filter_subjects: options.filter } : {}),
    ...(options.headersOnly ? { headers_only: true } : {}),
    ...(arrivals.seq() > 0
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: arrivals.seq() + 1 }
      : { deliver_policy: DeliverPolicy.All }),
  };
  const consumer = await nats.run(() => nats.jetstream.consumers.get(options.stream, start));
  const { num_pending: pending } = await consumer.info(true);
  const messages = await consumer.consume({ max_messages: 2_000, callback: (message) => work.advance(message) });
  if (pending === 0) work.onEmpty();
  const stop = () => void messages.close();
  signal.addEventListener('abort', stop);
  // a server that came back does not know this consumer any more; its absence would be noticed half a minute later
  using _ = nats.onReconnect(stop);
  try {
    if (signal.aborted) stop();
    const ended = await messages.closed();
    if (ended instanceof Error) throw ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function noticeReplacement(work: Run): Promise<void> {
  const { arrivals, options } = work;
  const created = await createdAt(work);
  if (work.created !== undefined && work.created !== created) {
    work.logger.error({ stream: options.stream }, 'stream was lost and made anew; starting over');
    // what is awaited was written to the one that is gone
    const lost = `stream ${options.stream} was lost and made anew while a write to it was awaited; try again`;
    arrivals.restart(new FleetError('TransportUnavailable', lost));
    options.onReplaced?.();
  }
  work.created = created;
}

async function createdAt({ nats, options }: Pick<Run, 'nats' | 'options'>): Promise<string> {
  return (await nats.run(() => nats.manager.streams.info(options.stream))).created;
}

function deliver(logger: Logger, options: FollowOptions, message: JsMsg): void {
  try {
    options.onMessage(message);
  } catch (error) {
    logger.error(
      { err: error, stream: options.stream, subject: message.subject },
      'a stored message cannot be used; it is passed over',
    );
  }
}
