// The programs that the product and its tests run besides Node: which versions will do, and where they are on this machine.
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { isExecutable, type ToolName, toolFolder, tools } from '@wheelhouse/test/support/tools';

/** What a program is needed for. `start` is `npm start` with simulated clusters. */
export type Profile = 'start' | 'kubernetes' | 'jaeger' | 'containers' | 'gitea';

/**
 * In the order of need. The last two are not brought unless they are asked for: `containers` for the tests that start
 * deploy/compose, `gitea` for those that ask a real code host.
 */
export const profiles: readonly Profile[] = ['start', 'kubernetes', 'jaeger', 'containers', 'gitea'];
export const optional: readonly Profile[] = ['containers', 'gitea'];

export interface Program {
  name: string;
  profiles: readonly Profile[];
  /** The lowest version that will do; from the same major version on, unless `anyMajor`. */
  minimum: string;
  anyMajor?: boolean;
  versionArgs: readonly string[];
  /** How it comes to the machine: built from a pinned Go module, or by the system's package of this name. */
  from: { tool: ToolName } | { package: string };
  /** Looked for in KUBEBUILDER_ASSETS first. */
  kubebuilder?: boolean;
}

export interface Found {
  path: string;
  version: string;
}

const built = (tool: ToolName, profile: Profile) => ({
  from: { tool },
  profiles: [profile],
  minimum: tools[tool].minimum,
});

export const programs: readonly Program[] = [
  { name: 'git', profiles: ['start'], minimum: '2.30.0', versionArgs: ['--version'], from: { package: 'git' } },
  {
    name: 'redis-server',
    profiles: ['start'],
    minimum: '7.0.0',
    anyMajor: true,
    versionArgs: ['--version'],
    from: { package: 'redis-server' },
  },
  { name: 'gpg', profiles: ['kubernetes'], minimum: '2.2.0', versionArgs: ['--version'], from: { package: 'gnupg' } },
  { name: 'nats-server', ...built('nats-server', 'start'), versionArgs: ['--version'] },
  { name: 'kustomize', ...built('kustomize', 'start'), versionArgs: ['version'] },
  { name: 'helm', ...built('helm', 'start'), versionArgs: ['version', '--short'] },
  { name: 'jsonnet', ...built('jsonnet', 'start'), versionArgs: ['--version'] },
  { name: 'etcd', ...built('etcd', 'kubernetes'), versionArgs: ['--version'], kubebuilder: true },
  { name: 'kube-apiserver', ...built('kubernetes', 'kubernetes'), versionArgs: ['--version'], kubebuilder: true },
  { name: 'kube-controller-manager', ...built('kubernetes', 'kubernetes'), versionArgs: ['--version'] },
  { name: 'jaeger', ...built('jaeger', 'jaeger'), versionArgs: ['version'] },
  { name: 'registry', ...built('registry', 'kubernetes'), versionArgs: ['--version'] },
  { name: 'gitea', ...built('gitea', 'gitea'), versionArgs: ['--version'] },
  { name: 'docker-compose', ...built('compose', 'containers'), versionArgs: ['version', '--short'] },
];

/** The program that will be run, or undefined when nothing on this machine will do. The same order as in tools.ts. */
export async function findProgram(program: Program): Promise<Found | undefined> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (program.kubebuilder && assets) {
    const found = await inspect(program, join(assets, program.name));
    if (found) return found;
  }
  if ('tool' in program.from) {
    const path = join(toolFolder(program.from.tool), program.name);
    if (isExecutable(path)) return { path, version: tools[program.from.tool].version };
  }
  for (const candidate of await findOnPath(program))
    if (whyNotUsable(program, candidate) === undefined) return candidate;
  return undefined;
}

/** Whether `npm start` and `npm test` do without it. */
export function isOptional({ profiles: its }: Program): boolean {
  return its.every((profile) => optional.includes(profile));
}

/** Every version of a program on PATH, also those that will not do. */
export async function findOnPath(program: Program): Promise<Found[]> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = await Promise.all(folders.map((folder) => inspect(program, join(folder, program.name))));
  return found.filter((candidate) => candidate !== undefined);
}

/** Why a version will not do, or undefined when it will. */
export function whyNotUsable(program: Program, { version }: Found): string | undefined {
  if (compareVersions(version, program.minimum) < 0) return `${version} is older than ${program.minimum}`;
  const major = (text: string) => text.split('.')[0];
  if (!program.anyMajor && major(version) !== major(program.minimum)) return `${version} is another major version`;
  return undefined;
}

/** Negative, zero or positive, as `left` is lower, equal or higher. Missing parts count as zero. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function inspect(program: Pick<Program, 'versionArgs'>, path: string): Promise<Found | undefined> {
  if (!isExecutable(path)) return undefined;
  const version = await readVersion(path, program.versionArgs);
  return version === undefined ? undefined : { path, version };
}

/** The first thing like a version in what a program prints; undefined when it does not run. */
export async function readVersion(path: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(path, args, { timeout: 20_000 });
    return /(\d+\.\d+(?:\.\d+)?)/.exec(stdout + stderr)?.[1];
  } catch {
    return undefined;
  }
}
