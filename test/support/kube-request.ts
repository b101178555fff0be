import { Agent } from 'undici';

export interface KubeConnection {
  server: string;
  caPem: string;
  token: string;
}

/** An object as the API server sends it; read with care. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests reach into objects of every kind
export type KubeJson = any;

export interface KubeRequestOptions {
  body?: object;
  /** `application/json` unless given; PATCH needs one of the patch types. */
  contentType?: string;
  signal?: AbortSignal;
}

/** Requests to one API server over keep-alive connections. */
export interface KubeRequests extends AsyncDisposable {
  /** The parsed answer; throws `METHOD path: STATUS message` unless the status is 2xx. */
  request: (method: string, path: string, options?: KubeRequestOptions) => Promise<KubeJson>;
  /** The answer as it is. */
  text: (path: string) => Promise<string>;
  /** The objects of a list as ADDED events, then every change, until the signal aborts or the server ends the watch. */
  watch: (path: string, signal: AbortSignal) => AsyncIterable<{ type: string; object: KubeJson }>;
}

/** A thin client for tests: no discovery, no retries; paths are written out. */
export function createKubeRequests({ server, caPem, token }: KubeConnection): KubeRequests {
  const dispatcher = new Agent({ connect: { ca: caPem }, bodyTimeout: 0 });
  const send = async (method: string, path: string, options: KubeRequestOptions = {}) => {
    const url = new URL(path, server);
    const response = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(options.body ? { 'content-type': options.contentType ?? 'application/json' } : {}),
      },
      body: options.body ? JSON.stringify(options.body) : null,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (response.statusCode < 300) return response.body;
    const text = await response.body.text();
    throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  };
  return {
    text: async (path) => await (await send('GET', path)).text(),
    request: async (method, path, options) => {
      const text = await (await send(method, path, options)).text();
      return text.startsWith('{') ? JSON.parse(text) : text;
    },
    watch: async function* (path, signal) {
      const body = await send('GET', `${path}${path.includes('?') ? '&' : '?'}watch=true`, { signal });
      let rest = '';
      for await (const chunk of body.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield JSON.parse(line);
      }
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}
