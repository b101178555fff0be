import { formatRef, type KubeObject, parseApiVersion, refOf } from '@wheelhouse/shared/kube/object';
import { formatKind, type KubeKind, type WatchListener } from '../cluster.ts';

/** The objects of a simulated cluster. An object is never changed in place, so what is handed out may be kept. */
export interface Store {
  find(kind: KubeKind, namespace: string, name: string): KubeObject | undefined;
  list(kind: KubeKind): KubeObject[];
  all(): Iterable<KubeObject>;
  /** Stores it under the next resource version and tells watchers. */
  put(object: KubeObject): KubeObject;
  delete(object: KubeObject): void;
  /** Lists into the listener, then follows until the signal aborts. */
  watch(kind: KubeKind, listener: WatchListener, signal: AbortSignal): Promise<void>;
  readonly size: number;
}

/** Versions of one kind are one object in Kubernetes; here they are served apart, which no built-in manifest notices. */
export function createStore(): Store {
  const kinds = new Map<string, Map<string, KubeObject>>();
  const watchers = new Map<string, Set<WatchListener>>();
  let version = 0;

  function tell(object: KubeObject, type: 'changed' | 'removed'): void {
    const listeners = watchers.get(kindOf(object));
    if (!listeners || listeners.size === 0) return;
    queueMicrotask(() => {
      for (const listener of listeners) listener[type](object);
    });
  }

  function stamp(object: KubeObject): KubeObject {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  }

  return {
    find: (kind, namespace, name) => kinds.get(formatKind(kind))?.get(`${namespace}/${name}`),
    list: (kind) => [...(kinds.get(formatKind(kind))?.values() ?? [])],
    *all() {
      for (const objects of kinds.values()) yield* objects.values();
    },
    put(object) {
      const stored = stamp(object);
      const kind = kindOf(object);
      const objects = kinds.get(kind) ?? new Map<string, KubeObject>();
      kinds.set(kind, objects.set(keyOf(object), stored));
      tell(stored, 'changed');
      return stored;
    },
    delete(object) {
      if (kinds.get(kindOf(object))?.delete(keyOf(object))) tell(stamp(object), 'removed');
    },
    async watch(kind, listener, signal) {
      const key = formatKind(kind);
      const listeners = watchers.get(key) ?? new Set();
      watchers.set(key, listeners);
      // A pause, as between the request and its answer; what happens in it is in the list.
      await Promise.resolve();
      if (signal.aborted) return;
      listener.listing();
      for (const object of kinds.get(key)?.values() ?? []) listener.changed(object);
      listener.listed(String(version));
      listener.connected();
      listeners.add(listener);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      listeners.delete(listener);
    },
    get size() {
      let size = 0;
      for (const objects of kinds.values()) size += objects.size;
      return size;
    },
  };
}

/** What `formatRef` says, for messages. */
export function nameOf(object: KubeObject): string {
  return formatRef(refOf(object));
}

function kindOf(object: KubeObject): string {
  return formatKind({ ...parseApiVersion(object.apiVersion), kind: object.kind });
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}
