// A Git host for tests: bare repositories over smart HTTP, served by git's own `http-backend`.
// Inputs: files by path. Never needs a check-out or the user's git configuration.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { createGitRepository, type GitRepository, gitEnvironment, type RepositoryFiles } from './git-repository.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface GitServerOptions {
  /** Where the bare repositories are kept; a temporary directory, removed at the end, unless given. */
  dir?: string;
  port?: number;
  /** The address to listen on; 127.0.0.1 unless given. */
  host?: string;
}

/** A repository and the URL that it is served under. */
export interface ServedRepository extends GitRepository {
  /** `http://HOST:PORT/NAME.git` */
  url: string;
}

export interface GitServer extends AsyncDisposable {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly port: number;
  /** Makes a bare repository with one commit on `main`; `name` may contain slashes. An existing one is opened as it is. */
  createRepository(name: string, files?: RepositoryFiles): Promise<ServedRepository>;
  /** From now on refuses requests without these credentials with 401. */
  requireBasic(user: string, password: string): void;
  /** The same for pushes alone, in place of what reading needs. */
  requireBasicToPush(user: string, password: string): void;
  /** Called with each push from now on: before it is served, and when it is done but not answered. */
  interceptPushes(hooks: PushHooks): void;
  /** From now on answers every request with this HTTP status; undefined serves again. */
  failWith(status: number | undefined): void;
  /** Requests answered so far, as `METHOD /path?query`. */
  readonly requests: readonly string[];
}

export interface PushHooks {
  before?(): Promise<void>;
  after?(): Promise<void>;
}

/** Serves Git over HTTP on a free port, in this process. */
export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  await using stack = new AsyncDisposableStack();
  const { host = '127.0.0.1' } = options;
  const dir = options.dir ?? stack.use(await tempDir({ prefix: 'wheelhouse-git-' })).path;
  const git = getTool('git');
  const requests: string[] = [];
  let authorization: string | undefined;
  let writing: string | undefined;
  let hooks: PushHooks = {};
  let failure: number | undefined;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (failure) response.writeHead(failure).end();
    else if (isRefused(request, isPush(request) ? (writing ?? authorization) : authorization))
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    else void serve({ git, dir, hooks: request.method === 'POST' && isPush(request) ? hooks : {} }, request, response);
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host}:${port}`;
  const owned = stack.move();
  return {
    url,
    port,
    requests,
    createRepository: async (name, files) => {
      const repository = await createGitRepository(join(dir, `${name}.git`), files);
      return { ...repository, url: `${url}/${name}.git` };
    },
    requireBasic: (user, password) => {
      authorization = formatBasic(user, password);
    },
    requireBasicToPush: (user, password) => {
      writing = formatBasic(user, password);
    },
    interceptPushes: (wanted) => {
      hooks = wanted;
    },
    failWith: (status) => {
      failure = status;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function isPush({ url = '' }: IncomingMessage): boolean {
  return url.includes('git-receive-pack');
}

function isRefused({ headers }: IncomingMessage, wanted: string | undefined): boolean {
  return wanted !== undefined && headers.authorization !== wanted;
}

function formatBasic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** One request as a CGI call of `git http-backend` (RFC 3875). */
async function serve(
  host: { git: string; dir: string; hooks: PushHooks },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { before, after } = host.hooks;
  await before?.();
  const url = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  const backend = spawn(host.git, ['http-backend'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: host.dir,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: headers['content-type'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
  });
  backend.on('error', () => response.destroy());
  backend.stdin.on('error', () => undefined);
  const body = headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  body.pipe(backend.stdin);
  response.on('close', () => backend.kill());
  if (!after) return answer(backend.stdout, response);
  const whole = await buffer(backend.stdout);
  await after();
  answer(Readable.from([whole]), response);
}

function answer(output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    output.off('data', onData);
    const headers = head
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
    response.statusCode = Number.parseInt(headers.find(([name]) => name === 'status')?.[1] ?? '200', 10);
    for (const [name, value] of headers) if (name !== 'status') response.setHeader(name, value);
    response.write(head.subarray(end + 4));
    output.pipe(response);
  };
  output.on('data', onData);
  output.on('end', () => response.end());
}
