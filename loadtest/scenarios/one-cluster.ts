import type { ServedRepository } from '@wheelhouse/test/support/git-server';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { type KubeCluster, startCluster } from '@wheelhouse/test/support/kube-cluster';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import type { Processes } from '../report/processes.ts';
import { waitSettled } from './wait.ts';

/** One real API server with an agent, and one repository with a directory for each Application. */
export interface OneCluster {
  platform: Platform;
  cluster: KubeCluster;
  repository: ServedRepository;
  processes: Processes;
  /** Applies the ApplicationSet and waits until every Application is Synced and Healthy. */
  create(): Promise<void>;
  commit(indexes: Iterable<number>, version: number): Promise<string>;
}

export const namespace = 'default';

export function configMapName(index: number): string {
  return `app-${String(index).padStart(4, '0')}`;
}

export async function startOneCluster(apps: number, stack: AsyncDisposableStack): Promise<OneCluster> {
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-bench-', memory: true }));
  const cluster = stack.use(await startCluster({ controllerManager: false, pods: false }));
  const git = stack.use(await startGitServer());
  const indexes = Array.from({ length: apps }, (_, index) => index);
  const repository = await git.createRepository('bench', configMaps(indexes, 1));
  const platform = stack.use(await startPlatform({ dir, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const spoke = await platform.startSpoke('bench', { kubeconfig: cluster.kubeconfigPath });
  return {
    platform,
    cluster,
    repository,
    processes: () => ({
      hub: platform.hubs.map((hub) => hub.pid),
      spoke: [spoke.pid],
      nats: [platform.nats.pid],
      redis: [platform.redis.pid],
      'API server': [cluster.pids.apiServer],
      etcd: [cluster.pids.etcd],
      test: [process.pid],
    }),
    create: async () => {
      await platform.apply(applicationSet(repository.url));
      await waitSettled(platform, apps);
    },
    commit: async (which, version) => await repository.commit(configMaps(which, version), `version ${version}`),
  };
}

/** 2 KB each, as in the published Argo CD benchmarks. */
function configMaps(indexes: Iterable<number>, version: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (const index of indexes) {
    const name = configMapName(index);
    files[`apps/${name}/config.yaml`] =
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  version: "${version}"\n  text: ${'x'.repeat(1_900)}\n`;
  }
  return files;
}

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: bench, namespace: argocd}
spec:
  generators:
    - git: {repoURL: '${repoURL}', revision: HEAD, directories: [{path: 'apps/*'}]}
  template:
    metadata: {name: '{{path.basename}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: HEAD, path: '{{path}}'}
      destination: {name: bench, namespace: ${namespace}}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
