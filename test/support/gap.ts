// Whether Deployments are available on one of several clusters at every moment.
import type { KubeCluster } from './kube-cluster.ts';

export interface GapWatch extends AsyncDisposable {
  /** `NAMESPACE/NAME at TIME` of each moment in which a Deployment was available nowhere. */
  readonly seen: readonly string[];
}

/** Looks again and again, until it is disposed of. Deployments are given as NAMESPACE/NAME. */
export function watchForGap(clusters: readonly KubeCluster[], deployments: readonly string[]): GapWatch {
  const seen: string[] = [];
  const stop = new AbortController();
  const look = async () => {
    while (!stop.signal.aborted)
      for (const name of deployments)
        if (await isNowhere(clusters, name)) seen.push(`${name} at ${new Date().toISOString()}`);
  };
  const looking = look();
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await looking;
    },
  };
}

/**
 * Answers come at different times, and one may be late. What is the same after all had answered was so on all at once; a request
 * that fails tells nothing.
 */
async function isNowhere(clusters: readonly KubeCluster[], name: string): Promise<boolean> {
  const read = async () => await Promise.all(clusters.map(async ({ request }) => await versionIfAway(request, name)));
  try {
    const before = await read();
    if (before.includes(undefined)) return false;
    const after = await read();
    return before.every((version, index) => version === after[index]);
  } catch {
    return false;
  }
}

/** Undefined while it is available. */
async function versionIfAway(request: KubeCluster['request'], name: string): Promise<string | undefined> {
  const path = `/apis/apps/v1/namespaces/${name.replace('/', '/deployments/')}`;
  const found = await request('GET', path).catch((error: unknown) => {
    if (String(error).includes('404')) return undefined;
    throw error;
  });
  if (!found) return 'absent';
  return (found.status?.availableReplicas ?? 0) > 0 ? undefined : found.metadata.resourceVersion;
}
