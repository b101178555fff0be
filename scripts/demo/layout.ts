import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { freePort } from '@wheelhouse/test/support/free-port';

export const demoRoot = join(import.meta.dirname, '../../.wheelhouse');

const names = ['nats', 'redis', 'hub', 'git', 'us-east', 'us-west', 'eu-central', 'jaeger', 'otlp'] as const;
export type DemoPorts = Record<(typeof names)[number], number>;

/** Where a demo keeps everything. Real clusters remember nothing between starts, so a demo with them begins anew each time. */
export async function prepareLayout(kubernetes: boolean): Promise<{ dir: string; ports: DemoPorts }> {
  const dir = join(demoRoot, kubernetes ? 'kubernetes' : 'simulated');
  if (kubernetes) await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  return { dir, ports: await loadPorts(join(dir, 'ports.json')) };
}

/** Holds the URL of Jaeger's query API; empty when the demo runs without. */
export function tracesFile(root: string): string {
  return join(root, 'traces');
}

/** Ports are chosen once, because agents and clones remember the addresses. Throws when another process has one of them. */
async function loadPorts(file: string): Promise<DemoPorts> {
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (known !== undefined) return await checkFree(JSON.parse(known) as DemoPorts);
  const ports: Partial<DemoPorts> = {};
  for (const name of names) ports[name] = await freePort();
  await writeFile(file, JSON.stringify(ports, null, 2));
  return ports as DemoPorts;
}

async function checkFree(ports: DemoPorts): Promise<DemoPorts> {
  for (const [name, port] of Object.entries(ports))
    if (!(await canListen({ host: '127.0.0.1', port })))
      throw new FleetError(
        'Conflict',
        `port ${port}, which this demo uses for ${name}, is taken by another process: end that one, or give up the demo's state with 'npm start -- --reset'`,
      );
  return ports;
}

/**
 * Keeps others from running or forgetting this folder's demo until it is disposed or the process ends, however that happens:
 * an abstract socket (Linux) leaves nothing behind.
 */
export async function claimDemo(): Promise<AsyncDisposable> {
  const server = await listen({ path: `\0wheelhouse-demo-${demoRoot}` });
  if (!server)
    throw new FleetError('Conflict', `a demo runs in ${demoRoot} already: end it first, with Ctrl-C in its terminal`);
  return { [Symbol.asyncDispose]: async () => await close(server) };
}

async function canListen(address: { host: string; port: number }): Promise<boolean> {
  const server = await listen(address);
  if (server) await close(server);
  return server !== undefined;
}

/** Undefined when somebody else listens there. */
async function listen(address: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(address);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
