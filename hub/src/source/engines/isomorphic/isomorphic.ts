import { Worker } from 'node:worker_threads';
import { sleep } from '@wheelhouse/shared/async/abort';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { RefList } from '../../refs.ts';
import type { Engine } from '../engine.ts';
import type { FetchLimits, FromWorker, ToWorker, WorkerTask } from './messages.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** How long a worker that was told to stop may go on computing before its thread is ended. */
const stopGraceMs = 30_000;

/** isomorphic-git in one worker thread, started at the first use. HTTP and HTTPS only. */
export function createIsomorphicEngine(limits: FetchLimits): Engine & AsyncDisposable {
  let worker: Worker | undefined;
  let lastId = 0;
  const pending = new Map<number, Pending>();

  const onMessage = (message: FromWorker) => {
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (pending.size === 0) worker?.unref();
    if ('error' in message)
      waiting?.reject(new FleetError(message.error.code, message.error.message, { details: message.error.details }));
    else waiting?.resolve(message.value);
  };

  const onEnd = (ended: Worker, cause?: unknown) => {
    if (worker !== ended) return;
    worker = undefined;
    for (const waiting of pending.values())
      waiting.reject(new FleetError('Internal', 'the git worker thread ended; the fetch is tried again', { cause }));
    pending.clear();
  };

  const start = (): Worker => {
    const started = new Worker(new URL('./worker.ts', import.meta.url), { name: 'git', env: {}, execArgv: [] });
    started.on('message', onMessage);
    started.on('error', (error) => onEnd(started, error));
    started.on('exit', () => onEnd(started));
    return started;
  };

  const run = async (task: WorkerTask, signal: AbortSignal): Promise<unknown> => {
    signal.throwIfAborted();
    worker ??= start();
    worker.ref();
    const at = worker;
    const id = (lastId += 1);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a browser's window
    const post = (message: ToWorker) => at.postMessage(message);
    const settled = new AbortController();
    const stop = () => {
      post({ id, abort: true });
      void sleep(stopGraceMs, settled.signal).then((over) => (over ? at.terminate() : undefined));
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<unknown>((resolve, reject) => {
        pending.set(id, { resolve, reject });
        post({ id, task });
      });
    } finally {
      settled.abort();
      signal.removeEventListener('abort', stop);
    }
  };

  return {
    name: 'isomorphic',
    listRefs: async (remote, signal) => (await run({ kind: 'listRefs', remote }, signal)) as RefList,
    create: async (directory, signal) => void (await run({ kind: 'create', directory }, signal)),
    fetch: async (request, signal) => (await run({ kind: 'fetch', request, limits }, signal)) as string,
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
    },
  };
}
