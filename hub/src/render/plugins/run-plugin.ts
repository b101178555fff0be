import { join } from 'node:path';
import type { Collection } from '../collection.ts';
import { ownFolder } from '../collection.ts';
import type { ToolPool } from '../tool-pool.ts';
import type { Workspaces } from '../workspace.ts';
import type { Plugin, Plugins } from './load-plugins.ts';

export interface PluginRunDeps {
  pool: ToolPool;
  workspaces: Workspaces;
  plugins: Plugins;
  /** Absolute paths of programs that plugins find on PATH, by name: the hub's own tools. */
  programs: Readonly<Record<string, string>>;
}

export interface PluginRun {
  plugin: Plugin;
  collection: Collection;
  /** The folder to run in, from the repository's root. */
  folder: string;
  /** For people. */
  what: string;
  /** Command lines, one after the other as long as none fails; only what the last one writes counts. */
  lines: readonly (readonly string[])[];
  environment: Readonly<Record<string, string>>;
  timeoutMs?: number;
}

const inside = { root: `/${ownFolder}`, home: '/home', bin: '/plugins/bin', tools: '/tools' };
const path = [inside.bin, inside.tools, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** Of the files that it sees, and of what it writes beside them. */
const diskBytes = 512 * 1024 ** 2;

/** Runs command lines of a plugin in a sandbox, and returns what the last one wrote. Throws as ToolPool. */
export async function runPlugin(deps: PluginRunDeps, run: PluginRun, signal: AbortSignal): Promise<string> {
  const { plugin, collection, folder, what, lines, environment, timeoutMs } = run;
  await using workspace = await deps.workspaces.open();
  await collection.write(workspace.path, signal, { keepModes: plugin.preserveFileMode });
  const tools = Object.entries(deps.programs).map(([name, from]) => ({ from, at: `${inside.tools}/${name}` }));
  const bin = deps.plugins.bin === undefined ? [] : [{ from: deps.plugins.bin, at: inside.bin }];
  return await deps.pool(
    {
      command: '/bin/sh',
      args: ['-c', formatScript(lines)],
      cwd: join(inside.root, folder),
      home: inside.home,
      root: inside.root,
      what,
      sandbox: { workspace: workspace.path, shown: [...bin, ...tools], bytes: diskBytes },
      environment: { ...environment, HOME: inside.home, TMPDIR: '/tmp', PATH: path.join(':') },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    },
    signal,
  );
}

/** The shell stays above the last line, since the first process of a number space is spared by many signals. */
function formatScript(lines: readonly (readonly string[])[]): string {
  const quoted = lines.map((line) => line.map(quote).join(' '));
  const before = quoted.slice(0, -1).map((line) => `${line} >/dev/null || exit $?`);
  return [...before, quoted.at(-1), 'exit $?'].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
