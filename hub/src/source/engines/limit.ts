import { createLimit } from '@wheelhouse/shared/async/limit';
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

/** The same engine, with its network work under a limit that others may share. */
export function limitEngine(engine: Engine, limit: NetworkLimit): Engine {
  return {
    name: engine.name,
    create: (directory, signal) => engine.create(directory, signal),
    listRefs: (remote, signal) => limit(remote, () => engine.listRefs(remote, signal), signal),
    fetch: (request, signal) => limit(request.remote, () => engine.fetch(request, signal), signal),
  };
}
