import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from './child.ts';
import { freePort } from './free-port.ts';
import { startServer } from './server.ts';
import { tempDir } from './temp-dir.ts';

export interface NatsOptions {
  /** More configuration, in the server's syntax; its `listen`, if any, must name `port`. */
  configText?: string;
  /** JetStream with its files in `dir`; on unless false, or unless `configText` has a `jetstream` block of its own. */
  jetstream?: boolean;
  /** Where files are kept; a temporary directory, removed at the end, unless given. */
  dir?: string;
  /** A free port unless given. */
  port?: number;
}

/** A server that tests start, kill and restart; the port and the files stay the same. */
export interface NatsServer extends Server {
  /** `nats://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  /** Replaces `configText` and has the server read it (SIGHUP). */
  reload(configText: string): Promise<void>;
}

/** Starts a real nats-server on a free loopback port; 50 ms. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  await using stack = new AsyncDisposableStack();
  const dir = options.dir ?? stack.use(await tempDir({ prefix: 'wheelhouse-nats-' })).path;
  await mkdir(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const configFile = join(dir, 'nats.conf');
  const write = (configText: string) => writeFile(configFile, configuration({ ...options, dir, port, configText }));
  await write(options.configText ?? '');
  const child = stack.use(
    await startServer({
      program: 'nats-server',
      args: ['--config', configFile],
      logFile: join(dir, 'nats.log'),
      port,
    }),
  );
  const owned = stack.move();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid;
    },
    kill: child.kill,
    restart: child.restart,
    reload: async (configText) => {
      await write(configText);
      await child.kill('SIGHUP');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function configuration(options: { dir: string; port: number; configText: string; jetstream?: boolean }): string {
  const { dir, port, configText, jetstream = !/^\s*jetstream\b/m.test(configText) } = options;
  const logFile = JSON.stringify(join(dir, 'nats.log'));
  const lines = [`listen: "127.0.0.1:${port}"`, `server_name: "test-${port}"`, `log_file: ${logFile}`];
  if (jetstream) lines.push(`jetstream { store_dir: ${JSON.stringify(join(dir, 'jetstream'))}, max_file: 4G }`);
  return [...lines, configText, ''].join('\n');
}
