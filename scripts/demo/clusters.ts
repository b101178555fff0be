import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startClusters } from '@wheelhouse/test/support/kube-cluster';
import type { Platform } from '@wheelhouse/test/support/platform';
import type { DemoPorts } from './layout.ts';
import { demoClusters } from './repository.ts';

/** How a person reaches a demo cluster behind the spoke's back. */
export interface ClusterAccess {
  server: string;
  token?: string;
  caPem?: string;
}

export type ClusterAccesses = Record<string, ClusterAccess>;

/** Starts the three clusters with their agents, and writes down how to reach them for `npm run demo`. */
export async function startDemoClusters(
  platform: Platform,
  options: { kubernetes: boolean; ports: DemoPorts; stack: AsyncDisposableStack; env: Record<string, string> },
): Promise<void> {
  const names = Object.keys(demoClusters);
  const { env } = options;
  const real = options.kubernetes ? options.stack.use(await startClusters(names.length, { names })) : undefined;
  const accesses: ClusterAccesses = {};
  const starts = Object.entries(demoClusters).map(async ([name, labels]) => {
    const cluster = real?.find((one) => one.name === name);
    const port = options.ports[name as keyof DemoPorts];
    accesses[name] = cluster
      ? { server: cluster.server, token: cluster.token, caPem: cluster.caPem }
      : { server: `http://127.0.0.1:${port}` };
    if (cluster) await copyFile(cluster.kubeconfigPath, join(platform.dir, `${name}.kubeconfig`));
    const how = cluster
      ? { kubeconfig: cluster.kubeconfigPath, env }
      : { env: { ...env, WHEELHOUSE_SIMULATE_PORT: String(port) } };
    await platform.startSpoke(name, { labels, ...how });
  });
  await Promise.all(starts);
  await writeFile(accessFile(platform.dir), JSON.stringify(accesses), { mode: 0o600 });
}

export function accessFile(dir: string): string {
  return join(dir, 'clusters.json');
}
