// Brings one program to this machine: Go modules, checked by go.sum and the checksum database, into the user's cache;
// the system's packages only as root. Never writes into the repository, never replaces what is on PATH.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import {
  findTool,
  isExecutable,
  type Tool,
  type ToolName,
  toolCache,
  toolFolder,
  tools,
} from '@wheelhouse/test/support/tools';
import { compareVersions, type Found, readVersion } from './programs.ts';
import { withProgress } from './progress.ts';

const root = join(import.meta.dirname, '..');
const goMinimum = '1.26.0';

/**
 * Builds the named programs of a tool and moves each into the cache whole, so that nobody sees half of one. One at a time
 * (setup holds a lock), so what a killed build left behind can go.
 */
export async function buildTool(name: ToolName, binaries: readonly string[]): Promise<void> {
  const tool = tools[name];
  const go = await getGo(`${name} ${tool.version}`);
  await mkdir(toolCache(), { recursive: true });
  for (const left of await readdir(toolCache()))
    if (left.startsWith(`.${name}-`)) await rm(join(toolCache(), left), { recursive: true, force: true });
  const directory = await mkdtemp(join(toolCache(), `.${name}-`));
  try {
    const wanted = binaries.join(' and ');
    await withProgress(`building ${wanted} ${tool.version} (${tool.duration} on 2 cores, once)`, () =>
      run(go, goArguments(tool, binaries, directory), goOptions(tool, directory)),
    );
    const folder = toolFolder(name);
    await mkdir(folder, { recursive: true });
    for (const binary of binaries) {
      await chmod(join(directory, binary), 0o755);
      await rename(join(directory, binary), join(folder, binary));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function goArguments(tool: Tool, binaries: readonly string[], directory: string): string[] {
  const linker = `-ldflags=-s -w ${tool.ldflags ?? ''}`.trim();
  const flags = ['-trimpath', '-buildvcs=false', linker, ...(tool.tags ? [`-tags=${tool.tags}`] : [])];
  if (tool.install) return ['install', ...flags, `${tool.install}@v${tool.version}`];
  const { packages = [] } = tool;
  const wanted = packages.length === 1 ? packages : packages.filter((path) => binaries.includes(basename(path)));
  // one program is named as it is wanted, several as their packages are
  const output = wanted.length === 1 ? join(directory, binaries[0] ?? '') : `${directory}/`;
  return ['build', ...flags, '-mod=readonly', '-o', output, ...wanted];
}

function goOptions(tool: Tool, directory: string): { cwd: string; env: NodeJS.ProcessEnv } {
  const env = { ...process.env, CGO_ENABLED: tool.tags ? '1' : '0', GOBIN: directory, GOWORK: 'off' };
  return { cwd: tool.module ? join(root, tool.module) : toolCache(), env };
}

/** Go on PATH or in its usual place. Throws, saying what to install, when there is none that will do. */
async function getGo(forWhat: string): Promise<string> {
  const go = await findGo();
  const refusal = whyNotGo(go, forWhat);
  if (refusal !== undefined || !go) throw new FleetError('ToolMissing', refusal ?? '');
  return go.path;
}

/** What to do when this Go, or its absence, keeps something from being built; undefined when it will do. */
export function whyNotGo(go: Found | undefined, forWhat: string): string | undefined {
  if (go && compareVersions(go.version, goMinimum) >= 0) return undefined;
  const found = go ? `found ${go.version} at ${go.path}` : 'found none';
  return `building ${forWhat} needs Go ${goMinimum} or newer, ${found}: install it from https://go.dev/dl, or put ${forWhat} on PATH`;
}

export async function findGo(): Promise<Found | undefined> {
  for (const path of [findTool('go'), '/usr/local/go/bin/go', '/usr/lib/go/bin/go']) {
    const version = path && (await readVersion(path, ['version']));
    if (version) return { path, version };
  }
  return undefined;
}

/** What to do when a package cannot be installed from here; undefined when it can: as root, where there is apt-get. */
export function whyNotInstallable(
  { name, program }: { name: string; program: string },
  machine: { isRoot: boolean; hasApt: boolean },
): string | undefined {
  if (machine.isRoot && machine.hasApt) return undefined;
  const command = machine.hasApt ? `run \`sudo apt-get install ${name}\`, or install it` : 'install it';
  return `${program} is missing: ${command} with your system's package tool`;
}

/** Installs a package of Debian or Ubuntu when this user may; throws with the exact command when not. */
export async function installPackage(name: string, program: string): Promise<void> {
  const machine = { isRoot: process.getuid?.() === 0, hasApt: isExecutable('/usr/bin/apt-get') };
  const refusal = whyNotInstallable({ name, program }, machine);
  if (refusal !== undefined) throw new FleetError('ToolMissing', refusal);
  // runlevel 1 keeps the package from starting a service of its own
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await withProgress(`installing the package ${name}`, async () => {
    await run('apt-get', ['update', '-q'], { env });
    await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', name], { env });
  });
}

async function run(command: string, args: readonly string[], options: { cwd?: string; env: NodeJS.ProcessEnv }) {
  try {
    await promisify(execFile)(command, args, { ...options, maxBuffer: 64 * 1_048_576 });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const lines = stderr.trim().split('\n').slice(-15).join('\n');
    throw new FleetError('ToolMissing', `${command} ${args[0]} failed: ${lines}${adviceOn(lines)}`, { cause: error });
  }
}

/** A way out where the reason is the network. */
function adviceOn(output: string): string {
  const offline = /no such host|dial tcp|GOPROXY=off|connection refused|i\/o timeout|Could not resolve|Failed to fetch/;
  if (!offline.test(output)) return '';
  return `\n(no network? put the program on PATH, or have GOPROXY name a mirror that this machine reaches; then run it again)`;
}
