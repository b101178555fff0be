import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

export interface KubeconfigOptions {
  /** A kubeconfig file; absent: the service account of the Pod that this runs in, else the user's default. */
  kubeconfig?: string | undefined;
  /** Its context; absent: the current one. */
  context?: string | undefined;
}

export interface Access {
  dispatcher: Dispatcher;
  headers: Record<string, string>;
}

/** Where the API server is and how to be let in: one keep-alive agent, rebuilt only when its certificates change. */
export interface Connection extends AsyncDisposable {
  origin: string;
  /** Prefix of all paths, without a slash at its end; '' for most. */
  basePath: string;
  access(): Promise<Access>;
  /** Forget tokens and certificates: the API server refused them. */
  expire(): void;
}

/** Tokens and certificates on disk rotate; client-node re-reads them, at most this often. */
const freshMs = 30_000;

/** Uses @kubernetes/client-node for kubeconfig, exec plugins and in-cluster credentials only; it opens a connection a request. */
export function openConnection(options: KubeconfigOptions): Connection {
  const config = loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new FleetError('Invalid', 'the kubeconfig names no current cluster; choose a context that exists');
  const url = new URL(cluster.server);
  let current: (Access & { tls: string }) | undefined;
  let freshUntil = 0;
  let pending: Promise<Access> | undefined;

  async function read(): Promise<Access> {
    const https: RequestOptions = {};
    await config.applyToHTTPSOptions(https);
    const connect = tlsOf(https);
    const tls = JSON.stringify(connect);
    const previous = current;
    const dispatcher = previous?.tls === tls ? previous.dispatcher : createDispatcher(cluster?.proxyUrl, connect);
    current = { dispatcher, headers: headersOf(https), tls };
    freshUntil = Date.now() + freshMs;
    if (previous && previous.dispatcher !== dispatcher) void previous.dispatcher.close();
    return current;
  }

  return {
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    async access() {
      if (current && Date.now() < freshUntil) return current;
      pending ??= read().finally(() => {
        pending = undefined;
      });
      return await pending;
    },
    expire() {
      freshUntil = 0;
    },
    [Symbol.asyncDispose]: async () => await current?.dispatcher.destroy(),
  };
}

function loadConfig({ kubeconfig, context }: KubeconfigOptions): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
  } catch (cause) {
    throw new FleetError(
      'Invalid',
      `cannot read the kubeconfig ${kubeconfig ?? '(default)'}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  if (context) config.setCurrentContext(context);
  return config;
}

function tlsOf(https: RequestOptions) {
  const { ca, cert, key, servername, rejectUnauthorized } = https;
  const text = (value: unknown) => (Buffer.isBuffer(value) ? value.toString() : (value as string | undefined));
  return {
    ...(ca ? { ca: text(ca) } : {}),
    ...(cert ? { cert: text(cert) } : {}),
    ...(key ? { key: text(key) } : {}),
    ...(servername ? { servername } : {}),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  } as { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean };
}

function headersOf(https: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(https.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (https.auth) headers['authorization'] = `Basic ${Buffer.from(https.auth).toString('base64')}`;
  return headers;
}

function createDispatcher(proxyUrl: string | undefined, tls: ReturnType<typeof tlsOf>): Dispatcher {
  // HTTP/1.1: one connection a stream either way, and watches must not share one with requests.
  const options = { allowH2: false, keepAliveTimeout: 60_000, keepAliveMaxTimeout: 600_000, pipelining: 1 };
  if (!proxyUrl) return new Agent({ ...options, connect: { ...tls, keepAlive: true } });
  if (!proxyUrl.startsWith('http'))
    throw new FleetError('Unsupported', `the kubeconfig's proxy-url ${proxyUrl} is neither http nor https`);
  return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: tls });
}
