import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { RenderTools } from './plan-source.ts';
import { loadPlugins } from './plugins/load-plugins.ts';

const run = promisify(execFile);

/** The rendering tools with their versions; without jsonnet, only Jsonnet files are refused. Throws ToolMissing, naming what to install, and as `loadPlugins`. */
export async function findTools(
  commands: { kustomize: string; helm: string; jsonnet: string; plugins?: string | undefined },
  searchPath: string,
): Promise<RenderTools> {
  const [kustomize, helm, jsonnet] = await Promise.all([
    findTool(commands.kustomize, ['version'], searchPath),
    findTool(commands.helm, ['version', '--short'], searchPath),
    locate(commands.jsonnet, searchPath).then(
      async (file) => file && (await findTool(file, ['--version'], searchPath)),
    ),
  ]);
  const versions = {
    kustomize: kustomize.version,
    helm: helm.version,
    ...(jsonnet ? { jsonnet: jsonnet.version } : {}),
  };
  return {
    kustomize: kustomize.command,
    helm: helm.command,
    ...(jsonnet ? { jsonnet: jsonnet.command } : {}),
    versions,
    ...(commands.plugins ? { plugins: await loadPlugins(commands.plugins, versions) } : {}),
  };
}

/** Finds a rendering tool on PATH, or at the absolute path given, and asks its version, which is part of every cache key. */
async function findTool(
  command: string,
  versionArguments: readonly string[],
  searchPath: string,
): Promise<{ command: string; version: string }> {
  const file = await locate(command, searchPath);
  if (!file) throw new FleetError('ToolMissing', `${command} is not on PATH: install it, or run 'npm run setup'`);
  const { stdout } = await run(file, [...versionArguments], { timeout: 20_000 });
  const version = /v?(\d+\.\d+\.\d+[-\w.+]*)/.exec(stdout)?.[1];
  if (!version) throw new FleetError('ToolMissing', `${file} does not tell its version: ${stdout.slice(0, 200)}`);
  return { command: file, version };
}

async function locate(command: string, searchPath: string): Promise<string | undefined> {
  const candidates = path.isAbsolute(command)
    ? [command]
    : searchPath.split(path.delimiter).map((folder) => path.join(folder, command));
  for (const candidate of candidates) {
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  return undefined;
}
