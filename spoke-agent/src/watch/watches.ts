/**
 * One watch a kind, cluster-wide, for as long as some Application has objects of that kind. Feeds the live index and says
 * when a kind is known completely. It must never ask the API server for anything but its lists and watches.
 */
import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { type Cluster, formatKind, type KubeKind, type WatchListener } from '../cluster/cluster.ts';
import type { LiveIndex } from './live-index.ts';

export interface WatchesDeps {
  cluster: Pick<Cluster, 'watch'>;
  index: Pick<LiveIndex, 'follow' | 'drop'>;
  logger: Logger;
  /** What is known of a kind that this Application needs changed. */
  onChange: (app: string) => void;
}

export interface Watches extends AsyncDisposable {
  /** Replaces the kinds that an Application needs; none: it needs nothing more. */
  require(app: string, kinds: readonly KubeKind[]): void;
  /** Whether all of these are known completely; a kind that is not served has no objects. */
  areListed(kinds: readonly KubeKind[]): boolean;
  /** Why one of these kinds cannot be followed now; undefined when all are well, or not served. */
  failure(kinds: readonly KubeKind[]): FleetError | undefined;
  /** Tries a kind that was not served again at once: its definition may exist now. */
  retry(kind: KubeKind): void;
}

interface Watched {
  kind: KubeKind;
  apps: Set<string>;
  stop: AbortController;
  listed: boolean;
  failure?: FleetError | undefined;
  done: Promise<void>;
}

export function createWatches(deps: WatchesDeps): Watches {
  const watched = new Map<string, Watched>();
  const required = new Map<string, ReadonlyMap<string, KubeKind>>();

  function start(kind: KubeKind, apps: Set<string>): void {
    const stop = new AbortController();
    const entry: Watched = { kind, apps, stop, listed: false, done: Promise.resolve() };
    watched.set(formatKind(kind), entry);
    entry.done = deps.cluster.watch(kind, listenerOf(entry, deps), stop.signal);
  }

  function release(app: string, key: string): void {
    const entry = watched.get(key);
    entry?.apps.delete(app);
    if (!entry || entry.apps.size > 0) return;
    entry.stop.abort();
    watched.delete(key);
    deps.index.drop(entry.kind);
  }

  return {
    require(app, kinds) {
      const before = required.get(app);
      const next = new Map(kinds.map((kind) => [formatKind(kind), kind]));
      if (next.size === 0) required.delete(app);
      else required.set(app, next);
      for (const [key, kind] of next) {
        const entry = watched.get(key);
        if (entry) entry.apps.add(app);
        else start(kind, new Set([app]));
      }
      for (const key of before?.keys() ?? []) if (!next.has(key)) release(app, key);
    },
    areListed: (kinds) =>
      kinds.every((kind) => {
        const entry = watched.get(formatKind(kind));
        return entry !== undefined && (entry.listed || isNotServed(entry.failure));
      }),
    failure: (kinds) =>
      kinds
        .map((kind) => watched.get(formatKind(kind))?.failure)
        .find((failure) => failure !== undefined && !isNotServed(failure)),
    retry(kind) {
      const entry = watched.get(formatKind(kind));
      if (!entry || !isNotServed(entry.failure)) return;
      entry.stop.abort();
      start(kind, entry.apps);
    },
    async [Symbol.asyncDispose]() {
      const all = [...watched.values()];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

function isNotServed(failure: FleetError | undefined): boolean {
  return failure?.code === 'NotFound';
}

/** Feeds the index, and tells Applications when a kind becomes complete, fails or recovers; not of every object. */
function listenerOf(entry: Watched, { index, logger, onChange }: WatchesDeps): WatchListener {
  const follower = index.follow(entry.kind);
  const tellAll = () => {
    for (const app of entry.apps) onChange(app);
  };
  const guarded = (act: () => void) => {
    if (!entry.stop.signal.aborted) act();
  };
  return {
    listing: () => follower.listing(),
    changed: (object) => guarded(() => follower.changed(object)),
    removed: (object) => guarded(() => follower.removed(object)),
    listed: (resourceVersion) =>
      guarded(() => {
        follower.listed(resourceVersion);
        const isNews = !entry.listed || entry.failure !== undefined;
        entry.listed = true;
        entry.failure = undefined;
        if (isNews) tellAll();
      }),
    connected: () =>
      guarded(() => {
        if (entry.failure === undefined) return;
        entry.failure = undefined;
        tellAll();
      }),
    failed: (error) =>
      guarded(() => {
        const isNews = entry.failure?.code !== error.code;
        entry.failure = error;
        if (!isNews) return;
        if (!isNotServed(error)) logger.warn({ err: error, kind: formatKind(entry.kind) }, 'cannot follow a kind');
        tellAll();
      }),
  };
}
