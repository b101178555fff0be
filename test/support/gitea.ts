import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import { runChild, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';
import { findTool, getTool, toolCache, tools } from './tools.ts';

export interface Gitea extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Of a site administrator, `ann`. */
  readonly token: string;
  /** Calls `/api/v1<path>`; throws with the answer's text when it is not 2xx. */
  api<T = unknown>(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object): Promise<T>;
}

/** Why Gitea cannot be started; undefined when it can. */
export function whyNoGitea(): string | undefined {
  return findTool('gitea') ? undefined : 'gitea is not installed: `npm run setup -- gitea` builds it';
}

/** Starts a Gitea with an administrator on a free loopback port. It may call webhooks anywhere, without checking certificates. */
export async function startGitea(): Promise<Gitea> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir({ prefix: 'wheelhouse-gitea-' })).path;
  const port = await freePort();
  const config = join(dir, 'app.ini');
  await writeFile(config, configuration({ dir, port, files: await findFiles() }));
  await mkdir(join(dir, 'home'));
  const env = { PATH: process.env.PATH, HOME: join(dir, 'home'), GITEA_WORK_DIR: dir };
  const command = getTool('gitea');
  stack.use(
    await startChild({ command, args: ['web', '--config', config], logFile: join(dir, 'gitea.log'), env, ready: port }),
  );
  const user = ['--username', 'ann', '--password', randomUUID(), '--email', 'ann@example.com', '--admin'];
  const access = ['--must-change-password=false', '--access-token', '--access-token-scopes', 'all'];
  const made = await runChild(command, ['admin', 'user', 'create', '--config', config, ...user, ...access], { env });
  const token = /[0-9a-f]{40}/.exec(made)?.[0] ?? '';
  const url = `http://127.0.0.1:${port}`;
  const client = new Client(url);
  stack.defer(async () => await client.destroy());
  const owned = stack.move();
  return {
    url,
    token,
    api: async <T>(method: string, path: string, body?: object) => {
      const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
      const request = { method: method as 'GET', path: `/api/v1${path}`, headers };
      const answer = await client.request({ ...request, ...(body ? { body: JSON.stringify(body) } : {}) });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A Gitea that setup built has its templates in its Go module; one of the system has them in itself. */
async function findFiles(): Promise<string | undefined> {
  if (!getTool('gitea').startsWith(toolCache())) return undefined;
  const { module = '' } = tools.gitea;
  const cwd = join(import.meta.dirname, '../..', module);
  const found = await runChild(getTool('go'), ['mod', 'download', '-json', 'code.gitea.io/gitea'], { cwd });
  return (JSON.parse(found) as { Dir: string }).Dir;
}

function configuration({ dir, port, files }: { dir: string; port: number; files: string | undefined }): string {
  const { username, uid } = userInfo();
  return `RUN_USER = ${username}
WORK_PATH = ${dir}
${uid === 0 ? 'I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true' : ''}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
${files ? `STATIC_ROOT_PATH = ${files}` : ''}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = ${join(dir, 'gitea.db')}
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = *
SKIP_TLS_VERIFY = true
[log]
LEVEL = Warn
`;
}
