// A whole Wheelhouse on loopback for demos, tests and load tests: nats-server with the hub's authority, Redis, hub replicas
// and spoke agents, each a process of its own. Inputs: a directory for its state. Never shares a port or a file with another.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAuthority } from '@wheelhouse/hub/fleet/authority';
import { formatNatsConfig } from '@wheelhouse/hub/fleet/nats-config';
import { Agent, fetch } from 'undici';
import { type Child, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface PlatformOptions {
  /** Where state is kept; a temporary directory, removed at the end, unless given. */
  dir?: string;
  /** Hub replicas; 1 unless given. */
  hubs?: number;
  /** More settings of the hub, as WHEELHOUSE_* variables. */
  hubEnv?: Record<string, string>;
  /** Ports to use instead of free ones. */
  ports?: { nats?: number; redis?: number; hub?: number };
}

export interface SpokeOptions {
  labels?: Record<string, string>;
  /** Labels that its token lets the agent choose. */
  allowedLabels?: Record<string, string[]>;
  /** A real cluster; simulated when absent. */
  kubeconfig?: string;
  env?: Record<string, string>;
}

export interface Platform extends AsyncDisposable {
  readonly dir: string;
  readonly nats: Child & { url: string };
  readonly redis: RedisServer;
  readonly hubs: (Child & { url: string })[];
  readonly adminTokenFile: string;
  readonly caFile: string;
  /** Calls the API of the first hub; throws with the answer's text when it is not 2xx. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Sends a Git host's call, with the headers by which the host is known. */
  webhook(headers: Record<string, string>, body: unknown): Promise<void>;
  /** Metrics of a hub, of the first one unless given. */
  metrics(hub?: number): Promise<string>;
  /** `wheelhouse apply` of a text; throws when any document was refused. */
  apply(yaml: string): Promise<void>;
  /** Registers a cluster by token and starts its agent. A second call with the same name starts the agent again. */
  startSpoke(name: string, options?: SpokeOptions): Promise<Child>;
  startHub(index: number): Promise<Child & { url: string }>;
}

const root = join(import.meta.dirname, '../..');

export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  const dir = options.dir ?? stack.use(await tempDir({ prefix: 'wheelhouse-' })).path;
  await mkdir(dir, { recursive: true });
  const nats = stack.use(await startPlatformNats(dir, options.ports?.nats ?? (await freePort())));
  await mkdir(join(dir, 'redis'), { recursive: true });
  const redis = stack.use(
    await startRedis({ dir: join(dir, 'redis'), ...(options.ports?.redis ? { port: options.ports.redis } : {}) }),
  );
  const hubOf = async (index: number) => {
    const port = index === 0 && options.ports?.hub ? options.ports.hub : await freePort();
    return stack.use(
      await startHubProcess({ dir, index, port, natsUrl: nats.url, redisUrl: redis.url, env: options.hubEnv ?? {} }),
    );
  };
  const hubs: Platform['hubs'] = [];
  for (let index = 0; index < (options.hubs ?? 1); index += 1) hubs.push(await hubOf(index));
  const client = await createClient(dir, (index) => hubs[index]?.url ?? '');
  const owned = stack.move();
  return {
    dir,
    nats,
    redis,
    hubs,
    ...client,
    startHub: async (index) => {
      const hub = await hubOf(index);
      hubs[index] = hub;
      return hub;
    },
    startSpoke: async (name, spoke = {}) => owned.use(await startSpokeProcess({ dir, name, ...spoke }, client.api)),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function startPlatformNats(dir: string, port: number): Promise<Child & { url: string }> {
  const authority = await loadAuthority({ directory: join(dir, 'hub/authority'), names: ['127.0.0.1', 'localhost'] });
  const config = join(dir, 'nats.conf');
  await writeFile(config, formatNatsConfig({ authority, listen: `127.0.0.1:${port}`, storeDir: join(dir, 'nats') }), {
    mode: 0o600,
  });
  const child = await startChild({
    command: getTool('nats-server'),
    args: ['-c', config],
    logFile: join(dir, 'nats.log'),
    // as deploy/compose has it
    env: { ...process.env, GOGC: '400', GOMEMLIMIT: '2GiB' },
    ready: port,
  });
  return Object.assign(child, { url: `tls://127.0.0.1:${port}` });
}

interface HubProcessOptions {
  dir: string;
  index: number;
  port: number;
  natsUrl: string;
  redisUrl: string;
  env: Record<string, string>;
}

async function startHubProcess(options: HubProcessOptions): Promise<Child & { url: string }> {
  const { dir, index, port, natsUrl, redisUrl } = options;
  const child = await startChild({
    command: process.execPath,
    args: [join(root, 'hub/src/main.ts')],
    logFile: join(dir, `hub-${index}.log`),
    env: {
      ...withoutSettings(process.env),
      WHEELHOUSE_DATA: join(dir, 'hub'),
      WHEELHOUSE_LISTEN: `127.0.0.1:${port}`,
      WHEELHOUSE_REPLICA: `hub-${index}`,
      WHEELHOUSE_NATS_URL: natsUrl,
      WHEELHOUSE_NATS_LOG: join(dir, 'nats.log'),
      WHEELHOUSE_REDIS_URL: redisUrl,
      ...(index === 0 ? { WHEELHOUSE_CONTEXT_FILE: join(dir, 'context.json') } : {}),
      ...options.env,
    },
    ready: port,
  });
  return Object.assign(child, { url: `https://127.0.0.1:${port}` });
}

async function startSpokeProcess(
  spoke: SpokeOptions & { dir: string; name: string },
  api: Platform['api'],
): Promise<Child> {
  const state = join(spoke.dir, 'spokes', spoke.name);
  await mkdir(state, { recursive: true });
  const known = await api<{ state?: string }>('GET', `/api/v1/fleet/clusters/${spoke.name}`).catch(() => undefined);
  const enrolled = known !== undefined && known.state !== 'Expected';
  const token = enrolled
    ? undefined
    : (
        await api<{ token: string }>('POST', '/api/v1/fleet/tokens', {
          cluster: spoke.name,
          labels: spoke.labels ?? {},
          ...(spoke.allowedLabels ? { allowedLabels: spoke.allowedLabels } : {}),
        })
      ).token;
  const child = await startChild({
    command: process.execPath,
    args: [join(root, 'spoke-agent/src/main.ts')],
    logFile: join(spoke.dir, `spoke-${spoke.name}.log`),
    env: {
      ...withoutSettings(process.env),
      WHEELHOUSE_STATE_DIR: state,
      ...(token ? { WHEELHOUSE_TOKEN: token } : {}),
      ...(spoke.kubeconfig ? { WHEELHOUSE_KUBECONFIG: spoke.kubeconfig } : { WHEELHOUSE_SIMULATE: 'true' }),
      ...spoke.env,
    },
    ready: async () => await eventually(async () => await connected(spoke.name, api), { timeoutMs: 120_000 }),
  });
  return child;
}

/** Resolves when the hub shows the cluster as Connected, and when there is no hub to ask: an agent starts without one too. */
async function connected(name: string, api: Platform['api']): Promise<void> {
  const state = await api<{ state: string }>('GET', `/api/v1/fleet/clusters/${name}`).then(
    (cluster) => cluster.state,
    (error: unknown) => {
      if (error instanceof TypeError) return 'Connected';
      throw error;
    },
  );
  if (state !== 'Connected') throw new Error(`cluster ${name} is ${state}`);
}

/** The environment without this process's own Wheelhouse settings. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('WHEELHOUSE_')));
}

async function createClient(
  dir: string,
  server: (index: number) => string,
): Promise<Pick<Platform, 'api' | 'apply' | 'webhook' | 'metrics' | 'adminTokenFile' | 'caFile'>> {
  const adminTokenFile = join(dir, 'hub/admin-token');
  const caFile = join(dir, 'hub/authority/ca.pem');
  const token = (await readFile(adminTokenFile, 'utf8')).trim();
  const dispatcher = new Agent({ connect: { ca: await readFile(caFile, 'utf8') } });
  const text = async (
    method: string,
    path: string,
    content: { hub?: number; body?: string; headers?: Record<string, string> },
  ) => {
    const headers = { authorization: `Bearer ${token}`, ...content.headers };
    const response = await fetch(server(content.hub ?? 0) + path, {
      method,
      dispatcher,
      headers,
      body: content.body ?? null,
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 500)}`);
    return answer;
  };
  const send = async (method: string, path: string, content?: { body: string; type: string }) => {
    const answer = await text(
      method,
      path,
      content ? { body: content.body, headers: { 'content-type': content.type } } : {},
    );
    return answer === '' ? undefined : (JSON.parse(answer) as unknown);
  };
  return {
    adminTokenFile,
    caFile,
    metrics: async (hub = 0) => await text('GET', '/metrics', { hub }),
    webhook: async (headers, body) =>
      void (await text('POST', '/api/webhook', {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })),
    api: async <T>(method: string, path: string, body?: unknown) =>
      (await send(
        method,
        path,
        body === undefined ? undefined : { body: JSON.stringify(body), type: 'application/json' },
      )) as T,
    apply: async (yaml) => {
      const answer = (await send('POST', '/api/v1/fleet/apply', { body: yaml, type: 'application/yaml' })) as {
        results: { error?: { message: string } }[];
      };
      const failed = answer.results.filter((result) => result.error);
      if (failed.length > 0) throw new Error(failed.map((result) => result.error?.message).join('; '));
    },
  };
}
