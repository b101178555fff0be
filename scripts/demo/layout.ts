import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Ports are chosen once, because agents and clones remember the addresses. */
async function loadPorts(file: string): Promise<DemoPorts> {
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as DemoPorts;
  const ports: Partial<DemoPorts> = {};
  for (const name of names) ports[name] = await freePort();
  await writeFile(file, JSON.stringify(ports, null, 2));
  return ports as DemoPorts;
}
