// Real Kubernetes for tests: etcd, kube-apiserver and kube-controller-manager as processes on loopback, 2 s each.
// Inputs: how many, and whether Pods run. Never leaves a process or a file behind; never touches ~/.kube.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { createKubeRequests, type KubeRequests } from './kube-request.ts';
import { type PodRunnerOptions, startPodRunner } from './pod-runner.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface ClusterOptions extends PodRunnerOptions {
  /** Deployments get ReplicaSets and Pods, and owned objects are garbage-collected; true unless given. */
  controllerManager?: boolean;
  /** Pods start, load balancers get an address, autoscalers see metrics; true unless given (needs the controller manager). */
  pods?: boolean;
  /** Names, in order; `cluster-1`… unless given. */
  names?: readonly string[];
}

/** One API server with its own data. Paths go to `request`, as in `/api/v1/namespaces`. */
export interface KubeCluster extends AsyncDisposable {
  readonly name: string;
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  readonly kubeconfigPath: string;
  /** A bearer token of group system:masters. */
  readonly token: string;
  readonly caPem: string;
  readonly request: KubeRequests['request'];
  readonly watch: KubeRequests['watch'];
  /** The API server's own metrics, as text. */
  metrics(): Promise<string>;
  readonly pids: { apiServer: number; etcd: number };
  /** Kills the API server; its data stay. */
  kill(): Promise<void>;
  /** Starts the API server again, on the same port. */
  restart(): Promise<void>;
}

/** One cluster; the first of `startClusters(1)`. */
export async function startCluster(options: ClusterOptions = {}): Promise<KubeCluster> {
  const clusters = await startClusters(1, options);
  const [cluster] = clusters;
  if (!cluster) throw new Error('no cluster started');
  return { ...cluster, [Symbol.asyncDispose]: () => clusters[Symbol.asyncDispose]() };
}

/** `count` API servers that share one etcd, each under a prefix of its own. Dispose the array to end them all. */
export async function startClusters(
  count: number,
  options: ClusterOptions = {},
): Promise<KubeCluster[] & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir({ prefix: 'wheelhouse-kube-', memory: true })).path;
  const etcd = await startEtcd(dir, stack);
  const clusters: KubeCluster[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = options.names?.[index] ?? `cluster-${index + 1}`;
    clusters.push(
      stack.use(
        await startControlPlane({ ...options, name, etcdUrl: etcd.url, etcdPid: etcd.pid, dir: join(dir, name) }),
      ),
    );
  }
  const owned = stack.move();
  return Object.assign(clusters, { [Symbol.asyncDispose]: () => owned.disposeAsync() });
}

async function startEtcd(dir: string, stack: AsyncDisposableStack): Promise<{ url: string; pid: number }> {
  const [port, peerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const child = stack.use(
    await startChild({
      command: getTool('etcd'),
      args: [
        `--data-dir=${join(dir, 'etcd')}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      logFile: join(dir, 'etcd.log'),
      ready: port,
    }),
  );
  return { url, pid: child.pid };
}

interface ControlPlaneOptions extends ClusterOptions {
  name: string;
  etcdUrl: string;
  etcdPid: number;
  dir: string;
}

async function startControlPlane(options: ControlPlaneOptions): Promise<KubeCluster> {
  await using stack = new AsyncDisposableStack();
  const { name, dir } = options;
  const files = await writeFiles(dir);
  const port = await freePort();
  const server = `https://127.0.0.1:${port}`;
  const caFile = join(dir, 'apiserver.crt');
  const apiServer = stack.use(
    await startChild({
      command: getTool('kube-apiserver'),
      args: apiServerArguments({ ...options, ...files, port }),
      logFile: join(dir, 'kube-apiserver.log'),
      ready: () => whenReady({ server, token: files.token, caFile }),
    }),
  );
  const caPem = await readFile(caFile, 'utf8');
  const kubeconfigPath = join(dir, 'kubeconfig.json');
  await writeFile(kubeconfigPath, formatKubeconfig({ name, server, caPem, token: files.token }), { mode: 0o600 });
  const requests = stack.use(createKubeRequests({ server, caPem, token: files.token }));
  if (options.controllerManager !== false) {
    const controllerManager = await startControllerManager({ dir, kubeconfigPath, keyFile: files.keyFile });
    stack.use(controllerManager);
    if (options.pods !== false) stack.use(await startPodRunner(requests, options));
  }
  const owned = stack.move();
  return {
    name,
    server,
    kubeconfigPath,
    token: files.token,
    caPem,
    request: requests.request,
    watch: requests.watch,
    metrics: () => requests.text('/metrics'),
    get pids() {
      return { apiServer: apiServer.pid, etcd: options.etcdPid };
    },
    kill: () => apiServer.kill(),
    restart: () => apiServer.restart(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function writeFiles(dir: string): Promise<{ token: string; tokenFile: string; keyFile: string }> {
  await mkdir(dir, { recursive: true });
  const token = randomBytes(16).toString('hex');
  const tokenFile = join(dir, 'tokens.csv');
  await writeFile(tokenFile, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const keyFile = join(dir, 'service-account.key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(keyFile, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  return { token, tokenFile, keyFile };
}

function apiServerArguments(
  options: ControlPlaneOptions & { port: number; tokenFile: string; keyFile: string },
): string[] {
  return [
    `--etcd-servers=${options.etcdUrl}`,
    `--etcd-prefix=/${options.name}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${options.port}`,
    `--cert-dir=${options.dir}`,
    `--token-auth-file=${options.tokenFile}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${options.keyFile}`,
    `--service-account-key-file=${options.keyFile}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
  ];
}

async function startControllerManager(options: { dir: string; kubeconfigPath: string; keyFile: string }) {
  const port = await freePort();
  return await startChild({
    command: getTool('kube-controller-manager'),
    args: [
      `--kubeconfig=${options.kubeconfigPath}`,
      `--service-account-private-key-file=${options.keyFile}`,
      '--use-service-account-credentials=false',
      '--leader-elect=false',
      // no node reports, and the pod runner plays volumes and autoscaling
      `--controllers=*,${['node-ipam', 'node-lifecycle', 'persistentvolume-binder', 'horizontal-pod-autoscaler'].map((name) => `-${name}-controller`).join(',')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(options.dir, 'controller-manager')}`,
    ],
    logFile: join(options.dir, 'kube-controller-manager.log'),
    ready: port,
  });
}

/** Ready means: `/readyz` says so, and the namespaces `default` and `kube-system` exist. */
async function whenReady(options: { server: string; token: string; caFile: string }): Promise<void> {
  const attempt = async () => {
    const caPem = await readFile(options.caFile, 'utf8');
    await using requests = createKubeRequests({ ...options, caPem });
    await requests.request('GET', '/readyz');
    await requests.request('GET', '/api/v1/namespaces/default');
  };
  await eventually(attempt, { timeoutMs: 120_000, intervalMs: 50 });
}

/** A kubeconfig as JSON, which every client reads as YAML. */
function formatKubeconfig(options: { name: string; server: string; caPem: string; token: string }): string {
  const { name, server, caPem, token } = options;
  const cluster = { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
