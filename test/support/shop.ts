// One Application, `shop`, of one folder of a repository on one simulated spoke: what tests of bad input and of changing
// sources begin with. Nothing is found by polling; pushes are told.
import { expect } from 'vitest';
import { getApplication, messagesOf, whenSettled } from './applications.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import type { RepositoryFiles } from './git-repository.ts';
import { type GitServer, type ServedRepository, startGitServer } from './git-server.ts';
import { createKubeRequests } from './kube-request.ts';
import { type Platform, startPlatform } from './platform.ts';
import { sendPush } from './push-event.ts';

export interface Fields {
  path?: string;
  targetRevision?: string;
  destination?: string;
  /** Further lines of the spec. */
  more?: string;
}

export interface Shop extends AsyncDisposable {
  readonly platform: Platform;
  readonly git: GitServer;
  readonly repository: ServedRepository;
  /** The Application as YAML. */
  application(fields?: Fields): string;
  /** Commits and tells the hub. */
  push(files: RepositoryFiles): Promise<void>;
  /** The data of every ConfigMap that runs, by name. */
  live(): Promise<Record<string, unknown>>;
  /** The generation of the cluster's document, and every ConfigMap with the version that changes when anybody touches it. */
  state(): Promise<object>;
  whenConditionSays(pattern: RegExp): Promise<string>;
  /** Waits until it is Synced and Healthy and nothing is said against it. */
  whenMended(): Promise<void>;
}

const within = { timeoutMs: 60_000, intervalMs: 50 };

/** A ConfigMap manifest. */
export function configMap(name: string, text: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {text: ${text}}\n`;
}

/**
 * Starts everything, with a repository of these files, and returns once `shop` of the folder `app` runs on cluster `east`. `hubEnv` holds
 * further settings of the hub.
 */
export async function startShop(files: RepositoryFiles, hubEnv: Record<string, string> = {}): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('shop', files);
  const platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h', ...hubEnv } }));
  const port = await freePort();
  const cluster = stack.use(createKubeRequests({ server: `http://127.0.0.1:${port}`, caPem: '', token: '' }));
  await platform.startSpoke('east', { env: { WHEELHOUSE_SIMULATE_PORT: String(port) } });
  const application = (fields: Fields = {}) => formatApplication(repository.url, fields);
  await platform.apply(application());
  await whenSettled(platform, { names: ['shop'] });
  const owned = stack.move();
  const configMaps = async () =>
    (await cluster.request('GET', '/api/v1/namespaces/default/configmaps')).items as ConfigMap[];
  const messages = async () => messagesOf(await getApplication(platform, 'shop'));
  return {
    platform,
    git,
    repository,
    application,
    push: async (changes) => await sendPush(platform, repository.url, await repository.commit(changes, 'Change')),
    live: async () => Object.fromEntries((await configMaps()).map(({ metadata, data }) => [metadata.name, data.text])),
    state: async () => {
      const { generation } = await platform.api<{ generation?: number }>('GET', '/api/v1/fleet/clusters/east');
      return { generation, items: await configMaps() };
    },
    whenConditionSays: async (pattern) =>
      await eventually(async () => {
        const said = (await messages()).join('\n');
        expect(said).toMatch(pattern);
        return said;
      }, within),
    whenMended: async () => {
      await whenSettled(platform, { names: ['shop'] });
      await eventually(async () => expect(await messages()).toEqual([]));
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

interface ConfigMap {
  metadata: { name: string };
  data: { text: string };
}

function formatApplication(repoURL: string, fields: Fields): string {
  const { path = 'app', targetRevision = 'main', destination = 'east', more = '' } = fields;
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: '${repoURL}', targetRevision: '${targetRevision}', path: '${path}'}
  destination: {name: ${destination}, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
${more}`;
}
