// Where the programs are that the product and its tests run: nats-server, kustomize, helm, etcd, the Kubernetes control
// plane, Jaeger. Inputs: tools.json (pinned versions), the environment. Never installs anything: scripts/setup.ts does.
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import table from './tools.json' with { type: 'json' };

export type ToolName = keyof typeof table;

/** How one tool is pinned. Either `install` (a main package for `go install`) or `module` + `packages` (built in that Go module). */
export interface Tool {
  /** What setup builds, and the lowest version that is taken from PATH. */
  version: string;
  minimum: string;
  binaries: readonly string[];
  install?: string;
  module?: string;
  packages?: readonly string[];
  /** Build tags; a tool that has some is built with a C compiler. */
  tags?: string;
  /** What the linker writes into the program: its version. */
  ldflags?: string;
  /** How long the build takes on two cores, for people. */
  duration: string;
}

export const tools: Readonly<Record<ToolName, Tool>> = table;

/** `${XDG_CACHE_HOME:-~/.cache}/wheelhouse/tools`: built tools, one folder a version, shared by all check-outs of this user. */
export function toolCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wheelhouse', 'tools');
}

/** The folder that holds the pinned version of a tool once it was built. */
export function toolFolder(name: ToolName): string {
  return join(toolCache(), `${name}-${tools[name].version}`, 'bin');
}

/** The folders a binary is looked for in, in order: KUBEBUILDER_ASSETS (as controller-runtime's envtest does), the cache, PATH. */
function foldersFor(binary: string): string[] {
  const cached = (Object.keys(tools) as ToolName[]).filter((name) => tools[name].binaries.includes(binary));
  return [
    ...(process.env.KUBEBUILDER_ASSETS ? [process.env.KUBEBUILDER_ASSETS] : []),
    ...cached.map(toolFolder),
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
  ];
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The absolute path of a program, or undefined when it is nowhere. */
export function findTool(binary: string): string | undefined {
  return foldersFor(binary)
    .map((folder) => join(folder, binary))
    .find(isExecutable);
}

/** As findTool; throws ToolMissing, saying what to run. */
export function getTool(binary: string): string {
  const path = findTool(binary);
  if (path) return path;
  throw new FleetError('ToolMissing', `${binary} is not installed: run \`npm run setup\`, which says what it needs`);
}
