import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
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
  return await runScript(deps, { ...run, script: formatScript(run.lines) }, signal);
}

/**
 * Runs one command line of a plugin, and returns what it wrote and how it ended, which may be any code. Throws as ToolPool where it
 * could not be run to its end: an end that nobody told of is none.
 */
export async function askPlugin(
  deps: PluginRunDeps,
  run: Omit<PluginRun, 'lines'> & { line: readonly string[] },
  signal: AbortSignal,
): Promise<{ text: string; code: number }> {
  const script = `${run.line.map(quote).join(' ')}\nprintf '\\n%s %s' ${endMark} $?`;
  const text = await runScript(deps, { ...run, script }, signal);
  const end = new RegExp(`\\n${endMark} (?<code>\\d+)$`, 'u').exec(text);
  if (!end) throw new FleetError('RenderFailed', `${run.what} was ended before it was done`);
  return { text: text.slice(0, end.index), code: Number(end.groups?.['code']) };
}

const endMark = 'wheelhouse-plugin-ended';

async function runScript(
  deps: PluginRunDeps,
  run: Omit<PluginRun, 'lines'> & { script: string },
  signal: AbortSignal,
): Promise<string> {
  const { plugin, collection, folder, what, script, environment, timeoutMs } = run;
  await using workspace = await deps.workspaces.open();
  await collection.write(workspace.path, signal, { keepModes: plugin.preserveFileMode });
  const tools = Object.entries(deps.programs).map(([name, from]) => ({ from, at: `${inside.tools}/${name}` }));
  const bin = deps.plugins.bin === undefined ? [] : [{ from: deps.plugins.bin, at: inside.bin }];
  // what a link on this machine points at is not there in the sandbox
  const shown = await Promise.all([...bin, ...tools].map(async ({ from, at }) => ({ from: await realpath(from), at })));
  return await deps.pool(
    {
      command: '/bin/sh',
      args: ['-c', script],
      cwd: join(inside.root, folder),
      home: inside.home,
      root: inside.root,
      what,
      sandbox: { workspace: workspace.path, shown, bytes: diskBytes },
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
