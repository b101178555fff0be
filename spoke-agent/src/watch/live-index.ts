import { type KubeObject, refOf } from '@wheelhouse/shared/kube/object';
import { formatKind, isLater, type KubeKind, type WatchListener } from '../cluster/cluster.ts';
import { isSameEntry, type LiveEntry, liveKey, type Summarizing, summarize } from './live-entry.ts';

export interface LiveIndexDeps extends Summarizing {
  /** These Applications have something new to look at. */
  onChange: (app: string) => void;
}

/** The live objects that Applications own or want, and nothing else of the cluster. */
export interface LiveIndex {
  find(key: string): LiveEntry | undefined;
  /** What carries the Application's tracking id. */
  ownedBy(app: string): LiveEntry[];
  /** Keeps these objects although they may carry no tracking id; replaces what the Application wanted before. */
  want(app: string, keys: readonly string[]): void;
  /** Takes in an object that was read or applied rather than watched; `drifted` where that is known already. */
  put(object: KubeObject, known?: { drifted: boolean }): void;
  /** Until released, news of this object wait: its apply is on the way and will say what is to be compared. */
  hold(key: string): void;
  release(key: string): void;
  /** Keeps the index true to one kind. */
  follow(kind: KubeKind): WatchListener;
  /** The kind is watched no longer. */
  drop(kind: KubeKind): void;
}

interface News {
  object: KubeObject;
  removed: boolean;
}

export function createLiveIndex(deps: LiveIndexDeps): LiveIndex {
  return new Index(deps);
}

class Index implements LiveIndex {
  readonly #deps: LiveIndexDeps;
  readonly #kinds = new Map<string, Map<string, LiveEntry>>();
  readonly #owned = new Map<string, Map<string, LiveEntry>>();
  /** Applications by wanted key, and back. */
  readonly #wanted = new Map<string, Set<string>>();
  readonly #wants = new Map<string, readonly string[]>();
  readonly #held = new Map<string, News | undefined>();

  constructor(deps: LiveIndexDeps) {
    this.#deps = deps;
  }

  find(key: string): LiveEntry | undefined {
    return this.#kinds.get(kindOf(key))?.get(key);
  }

  ownedBy(app: string): LiveEntry[] {
    return [...(this.#owned.get(app)?.values() ?? [])];
  }

  want(app: string, keys: readonly string[]): void {
    const before = this.#wants.get(app) ?? [];
    if (keys.length === 0) this.#wants.delete(app);
    else this.#wants.set(app, keys);
    for (const key of before) this.#wanted.get(key)?.delete(app);
    for (const key of keys) this.#wanted.set(key, (this.#wanted.get(key) ?? new Set()).add(app));
    for (const key of before) this.#forgetUnwanted(key);
  }

  put(object: KubeObject, known?: { drifted: boolean }): void {
    const key = liveKey(refOf(object));
    const previous = this.find(key);
    if (previous && isLater(previous.resourceVersion, object.metadata.resourceVersion)) return;
    const deps = known ? { ...this.#deps, isDrifted: () => known.drifted } : this.#deps;
    this.#store(key, summarize(object, deps), previous);
  }

  hold(key: string): void {
    if (!this.#held.has(key)) this.#held.set(key, undefined);
  }

  release(key: string): void {
    const news = this.#held.get(key);
    this.#held.delete(key);
    if (news) this.#receive(key, news);
  }

  follow(kind: KubeKind): WatchListener {
    let seen = new Set<string>();
    return {
      listing: () => void (seen = new Set()),
      changed: (object) => {
        seen.add(liveKey(refOf(object)));
        this.#hear({ object, removed: false });
      },
      removed: (object) => this.#hear({ object, removed: true }),
      listed: (resourceVersion) => {
        for (const [key, entry] of this.#kinds.get(formatKind(kind)) ?? [])
          if (!seen.has(key) && !isLater(entry.resourceVersion, resourceVersion)) this.#remove(key, entry);
        seen = new Set();
      },
      connected() {},
      failed() {},
    };
  }

  drop(kind: KubeKind): void {
    for (const [key, entry] of this.#kinds.get(formatKind(kind)) ?? []) this.#remove(key, entry);
    this.#kinds.delete(formatKind(kind));
  }

  #hear(news: News): void {
    const key = liveKey(refOf(news.object));
    if (this.#held.has(key)) this.#held.set(key, news);
    else this.#receive(key, news);
  }

  #receive(key: string, { object, removed }: News): void {
    const previous = this.find(key);
    if (previous && !isLater(object.metadata.resourceVersion, previous.resourceVersion)) return;
    const entry = removed ? undefined : summarize(object, this.#deps);
    if (!entry || !(entry.owner || this.#wanted.has(key))) {
      if (previous) this.#remove(key, previous);
      return;
    }
    this.#store(key, entry, previous);
    if (!isSameEntry(previous, entry)) this.#tell(key, [entry.owner, previous?.owner]);
  }

  #store(key: string, entry: LiveEntry, previous: LiveEntry | undefined): void {
    const objects = this.#kinds.get(kindOf(key)) ?? new Map<string, LiveEntry>();
    this.#kinds.set(kindOf(key), objects.set(key, entry));
    if (previous?.owner !== entry.owner) this.#disown(key, previous?.owner);
    if (!entry.owner) return;
    const mine = this.#owned.get(entry.owner) ?? new Map<string, LiveEntry>();
    this.#owned.set(entry.owner, mine.set(key, entry));
  }

  #remove(key: string, entry: LiveEntry): void {
    this.#kinds.get(kindOf(key))?.delete(key);
    this.#disown(key, entry.owner);
    this.#tell(key, [entry.owner]);
  }

  #disown(key: string, owner: string | undefined): void {
    const mine = owner === undefined ? undefined : this.#owned.get(owner);
    mine?.delete(key);
    if (owner !== undefined && mine?.size === 0) this.#owned.delete(owner);
  }

  #forgetUnwanted(key: string): void {
    if (this.#wanted.get(key)?.size !== 0) return;
    this.#wanted.delete(key);
    if (!this.find(key)?.owner) this.#kinds.get(kindOf(key))?.delete(key);
  }

  #tell(key: string, owners: (string | undefined)[]): void {
    for (const app of new Set([...owners, ...(this.#wanted.get(key) ?? [])]))
      if (app !== undefined) this.#deps.onChange(app);
  }
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}
