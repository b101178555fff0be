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
  /** Bounded data segment, as far as the kernel allows. */
  prefix: string[];
  /** The same, and `root` is all that the child can see of the disk. Absent where the kernel allows no such thing. */
  jail?: (root: string, cwd: string) => string[];
  /** The same for a child that runs programs of this machine, which it sees read-only; found out when it is first asked for. Undefined where the kernel allows no such thing. */
  sandbox(given: Sandbox, cwd: string): Promise<string[] | undefined>;
}

/** Whether a command line ends well where children are started. */
export type Try = (line: readonly [string, ...string[]]) => Promise<boolean>;

const networks = [
  ['unshare', '--net'],
  ['unshare', '--user', '--map-root-user', '--net'],
];

/** The prefix of a process without network, and so of all that it starts; undefined where the kernel allows no such thing. Warns of that. */
export async function withoutNetwork(logger: Logger): Promise<string[] | undefined> {
  const found = await firstThatWorks(networks, async ([command, ...args]) => await isDone(run(command, args)));
  if (!found) logger.warn('kustomize and helm run without a network namespace: only their proxies are cut off');
  return found;
}

/** Finds out what this machine allows to children of a process `withoutNetwork`. Warns of what is missing. */
export async function confinement(logger: Logger, memoryBytes: number, attempt: Try): Promise<Confinement> {
  const memory = await firstThatWorks([['prlimit', `--data=${memoryBytes}`]], attempt);
  const jails = networks.map((network) => [...network, '--root=/', '--wd=/']);
  const jail = (await firstThatWorks(jails, attempt))?.slice(0, -2);
  let found: Promise<FoundSandbox | undefined> | undefined;
  if (!memory) logger.warn('kustomize and helm run without a hard memory limit: prlimit is not available');
  if (!jail)
    logger.warn(
      'jsonnet is not run, nor kustomize without load restrictions: this machine allows no root of their own',
    );
  return {
    prefix: memory ?? [],
    sandbox: async (given, cwd) => {
      found ??= findSandbox(attempt).catch((error: unknown) => {
        found = undefined;
        throw error;
      });
      const sandbox = await found;
      return sandbox && [...(memory ?? []), ...sandbox.prefix, ...sandboxArguments(given, cwd, sandbox.maker)];
    },
    ...(jail ? { jail: (root, cwd) => [...(memory ?? []), ...jail, `--root=${root}`, `--wd=${cwd}`] } : {}),
  };
}

interface FoundSandbox {
  /** What goes before the arguments of a sandbox. */
  prefix: string[];
  maker: SandboxMaker;
}

/** Tried with one that holds nothing. */
async function findSandbox(attempt: Try): Promise<FoundSandbox | undefined> {
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
      const works = await firstThatWorks([[...line, '/bin/sh', ...ending]], attempt);
      if (works) return { prefix: works.slice(0, -ending.length), maker };
    }
    return undefined;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

async function firstThatWorks(candidates: string[][], attempt: Try): Promise<string[] | undefined> {
  for (const [command = '', ...args] of candidates) {
    const path = await run('/bin/sh', ['-c', `command -v ${command}`]).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (path && (await attempt([path, ...args, '/bin/true']))) return [path, ...args];
  }
  return undefined;
}

async function isDone(running: Promise<unknown>): Promise<boolean> {
  return await running.then(
    () => true,
    () => false,
  );
}
