import { withTimeout } from '@wheelhouse/shared/async/abort';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { LRUCache } from 'lru-cache';
import type { Remote } from '../remote.ts';
import type { Engine } from './engine.ts';

/** Runs network work for a remote when there is room; who waits leaves with the signal's reason. */
export type NetworkLimit = <T>(remote: Remote, task: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Hosts whose work is counted; one that is forgotten while at work is merely counted anew. */
const countedHosts = 1_000;

/** At most `max` at a time, and one less for any host: one that gives no answer leaves room for the others. */
export function createNetworkLimit(max: number): NetworkLimit {
  const all = createLimit(max);
  const hosts = new LRUCache<string, ReturnType<typeof createLimit>>({ max: countedHosts });
  return async (remote, task, signal) => {
    const host = hosts.get(remote.host) ?? createLimit(max - 1);
    hosts.set(remote.host, host);
    return await host(() => all(task, signal), signal);
  };
}

/** Time that passes once there is room; what waits for it is not said to give no answer. */
interface Network {
  limit: NetworkLimit;
  timeoutMs: number;
}

/** The same engine, with its network work under a limit that others may share. Throws what it throws, and Timeout. */
export function limitEngine(engine: Engine, { limit, timeoutMs }: Network): Engine {
  const run = async <T>(remote: Remote, task: (deadline: AbortSignal) => Promise<T>, signal: AbortSignal) =>
    await limit(remote, () => runInTime(remote, task, { signal, timeoutMs }), signal);
  return {
    name: engine.name,
    create: (directory, signal) => engine.create(directory, signal),
    listRefs: (remote, signal) => run(remote, (deadline) => engine.listRefs(remote, deadline), signal),
    fetch: (request, signal) => run(request.remote, (deadline) => engine.fetch(request, deadline), signal),
  };
}

async function runInTime<T>(
  remote: Remote,
  task: (deadline: AbortSignal) => Promise<T>,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<T> {
  const deadline = withTimeout(signal, timeoutMs);
  try {
    return await task(deadline);
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    throw new FleetError('Timeout', `repository ${remote.display} gave no answer within ${timeoutMs / 1000} s`, {
      details: { repository: remote.display },
      cause: error,
    });
  }
}
