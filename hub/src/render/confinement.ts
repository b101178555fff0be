import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { namespaces, type Sandbox, type SandboxMaker, sandboxArguments } from './plugins/sandbox.ts';

const run = promisify(execFile);

/** Command prefixes that confine a child on this machine. */
export interface Confinement {
  /** No network, bounded data segment, as far as the kernel allows. */
  prefix: string[];
  /** The same, and `root` is all that the child can see of the disk. Absent where the kernel allows no such thing. */
  jail?: (root: string, cwd: string) => string[];
  /** The same for a child that runs programs of this machine, which it sees read-only; found out when it is first asked for. Undefined where the kernel allows no such thing. */
  sandbox(given: Sandbox, cwd: string): Promise<string[] | undefined>;
}

/** Finds out what this machine allows. Warns of what is missing. */
export async function confinement(logger: Logger, memoryBytes: number): Promise<Confinement> {
  const network = await firstThatWorks([
    ['unshare', '--net'],
    ['unshare', '--user', '--map-root-user', '--net'],
  ]);
  const memory = await firstThatWorks([['prlimit', `--data=${memoryBytes}`]]);
  const jail = network && (await firstThatWorks([[...network, '--root=/', '--wd=/']]));
  let found: Promise<FoundSandbox | undefined> | undefined;
  if (!network) logger.warn('kustomize and helm run without a network namespace: only their proxies are cut off');
  if (!memory) logger.warn('kustomize and helm run without a hard memory limit: prlimit is not available');
  if (!jail)
    logger.warn(
      'jsonnet is not run, nor kustomize without load restrictions: this machine allows no root of their own',
    );
  return {
    prefix: [...(network ?? []), ...(memory ?? [])],
    sandbox: async (given, cwd) => {
      found ??= findSandbox();
      const sandbox = await found;
      return sandbox && [...(memory ?? []), ...sandbox.prefix, ...sandboxArguments(given, cwd, sandbox.maker)];
    },
    ...(jail && network
      ? { jail: (root, cwd) => [...(memory ?? []), ...network, `--root=${root}`, `--wd=${cwd}`] }
      : {}),
  };
}

interface FoundSandbox {
  /** What goes before the arguments of a sandbox. */
  prefix: string[];
  maker: SandboxMaker;
}

/** Tried with one that holds nothing. */
async function findSandbox(): Promise<FoundSandbox | undefined> {
  const workspace = await mkdtemp(join(tmpdir(), 'wheelhouse-sandbox-'));
  try {
    await Promise.all(['repository', 'home'].map(async (name) => await mkdir(join(workspace, name))));
    const isRoot = process.getuid?.() === 0;
    const alone = ['unshare', ...namespaces];
    const makers: [SandboxMaker, string[]][] = [
      ...(isRoot ? [['root', alone] as [SandboxMaker, string[]]] : []),
      ['user', ['unshare', '--user', '--map-root-user', ...namespaces]],
      ...(isRoot ? [['bare-root', alone] as [SandboxMaker, string[]]] : []),
    ];
    for (const [maker, line] of makers) {
      const ending = sandboxArguments({ workspace, shown: [], bytes: 1024 ** 2 }, '/repository', maker);
      const works = await firstThatWorks([[...line, '/bin/sh', ...ending]]);
      if (works) return { prefix: works.slice(0, -ending.length), maker };
    }
    return undefined;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
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
