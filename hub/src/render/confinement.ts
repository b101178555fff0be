import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '@wheelhouse/shared/logging/logger';

const run = promisify(execFile);

/** The command prefix that confines a child on this machine: no network, bounded data segment. Warns of what is missing. */
export async function confinement(logger: Logger, memoryBytes: number): Promise<string[]> {
  const network = await firstThatWorks([
    ['unshare', '--net'],
    ['unshare', '--user', '--map-root-user', '--net'],
  ]);
  const memory = await firstThatWorks([['prlimit', `--data=${memoryBytes}`]]);
  if (!network) logger.warn('kustomize and helm run without a network namespace: only their proxies are cut off');
  if (!memory) logger.warn('kustomize and helm run without a hard memory limit: prlimit is not available');
  return [...(network ?? []), ...(memory ?? [])];
}

async function firstThatWorks(candidates: string[][]): Promise<string[] | undefined> {
  for (const [command = '', ...args] of candidates) {
    const path = await run('/bin/sh', ['-c', `command -v ${command}`]).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (!path) continue;
    const works = await run(path, [...args, '/bin/true']).then(
      () => true,
      () => false,
    );
    if (works) return [path, ...args];
  }
  return undefined;
}
