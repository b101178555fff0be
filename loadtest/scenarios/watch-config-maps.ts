import type { KubeCluster } from '@wheelhouse/test/support/kube-cluster';
import { namespace } from './one-cluster.ts';

/** Follows ConfigMaps on the API server itself, to time what is really there. */
export interface ConfigMapWatch extends AsyncDisposable {
  /** Resolves with the time (ms, `performance.now()`) at which `name` was seen as asked. */
  seen(name: string, version: string): Promise<number>;
}

interface Waiter {
  name: string;
  version: string;
  resolve(at: number): void;
}

export function watchConfigMaps(cluster: KubeCluster): ConfigMapWatch {
  const stop = new AbortController();
  const waiters = new Set<Waiter>();
  const follow = async () => {
    for await (const { type, object } of cluster.watch(`/api/v1/namespaces/${namespace}/configmaps`, stop.signal)) {
      if (type === 'DELETED') continue;
      for (const waiter of waiters) {
        if (waiter.name !== object.metadata.name || waiter.version !== object.data?.version) continue;
        waiters.delete(waiter);
        waiter.resolve(performance.now());
      }
    }
  };
  const following = follow().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    seen: async (name, version) => await new Promise((resolve) => waiters.add({ name, version, resolve })),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await following;
    },
  };
}
