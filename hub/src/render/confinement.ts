import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '@wheelhouse/shared/logging/logger';

const run = promisify(execFile);

/** Command prefixes that confine a child on this machine. */
export interface Confinement {
  /** No network, bounded data segment, as far as the kernel allows. */
  prefix: string[];
  /** The same, and `root` is all that the child can see of the disk. Absent where the kernel allows no such thing. */
  jail?: (root: string, cwd: string) => string[];
}

/** Finds out what this machine allows. Warns of what is missing. */
export async function confinement(logger: Logger, memoryBytes: number): Promise<Confinement> {
  const network = await firstThatWorks([
    ['unshare', '--net'],
    ['unshare', '--user', '--map-root-user', '--net'],
  ]);
  const memory = await firstThatWorks([['prlimit', `--data=${memoryBytes}`]]);
  const jail = network && (await firstThatWorks([[...network, '--root=/', '--wd=/']]));
  if (!network) logger.warn('kustomize and helm run without a network namespace: only their proxies are cut off');
  if (!memory) logger.warn('kustomize and helm run without a hard memory limit: prlimit is not available');
  if (!jail)
    logger.warn(
      'jsonnet is not run, nor kustomize without load restrictions: this machine allows no root of their own',
    );
  return {
    prefix: [...(network ?? []), ...(memory ?? [])],
    ...(jail && network
      ? { jail: (root, cwd) => [...(memory ?? []), ...network, `--root=${root}`, `--wd=${cwd}`] }
      : {}),
  };
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
