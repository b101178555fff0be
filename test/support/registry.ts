import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startServer } from './server.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface RegistryOptions {
  /** Lines of an htpasswd file (bcrypt); then logins are asked for. */
  htpasswd?: string;
}

/** A real OCI registry (CNCF distribution) that keeps everything in memory. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, plain HTTP. */
  readonly host: string;
  /** Pushes a packed chart with helm. */
  push(archive: string, path: string, login?: { user: string; password: string }): void;
}

export async function startRegistry({ htpasswd }: RegistryOptions = {}): Promise<Registry> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir({ prefix: 'wheelhouse-registry-' }));
  const port = await freePort();
  const file = join(path, 'config.json');
  const logins = join(path, 'htpasswd');
  if (htpasswd) await writeFile(logins, htpasswd);
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { inmemory: {} },
    http: { addr: `127.0.0.1:${port}` },
    ...(htpasswd ? { auth: { htpasswd: { realm: 'test', path: logins } } } : {}),
  };
  await writeFile(file, JSON.stringify(config));
  stack.use(
    await startServer({ program: 'registry', args: ['serve', file], logFile: join(path, 'registry.log'), port }),
  );
  const owned = stack.move();
  const host = `127.0.0.1:${port}`;
  return {
    host,
    push: (archive, name, login) => {
      const flags = login ? ['--username', login.user, '--password', login.password] : [];
      const environment = { ...process.env, HOME: path };
      const args = ['push', archive, `oci://${host}/${name}`, '--plain-http', ...flags];
      execFileSync(getTool('helm'), args, { stdio: 'pipe', env: environment });
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
