import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from './child.ts';
import { freePort } from './free-port.ts';
import { startServer } from './server.ts';
import { tempDir } from './temp-dir.ts';

export interface RedisOptions {
  /** Where the append-only file is kept; a temporary directory, removed at the end, unless given. */
  dir?: string;
  port?: number;
  /** More command line options, such as `--maxmemory-policy allkeys-lru`. */
  args?: readonly string[];
}

/** A server that tests start, kill and restart; the port and the files stay the same. */
export interface RedisServer extends Server {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly dir: string;
}

/** Starts a real redis-server as the hub wants it (AOF, noeviction) on a free loopback port. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  await using stack = new AsyncDisposableStack();
  const dir = options.dir ?? stack.use(await tempDir({ prefix: 'wheelhouse-redis-' })).path;
  await mkdir(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const child = stack.use(
    await startServer({
      program: 'redis-server',
      args: [...redisArguments(port), '--dir', dir, ...(options.args ?? [])],
      logFile: join(dir, 'redis.log'),
      port,
    }),
  );
  const owned = stack.move();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid;
    },
    kill: child.kill,
    restart: child.restart,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function redisArguments(port: number): string[] {
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    save: '',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}
