import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getTool } from './tools.ts';

export interface TerminalOptions {
  /** A line for a shell. */
  line: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** A real terminal of this size (`script` of util-linux); pipes when absent. */
  size?: { columns: number; rows: number };
}

/** What a person runs in a terminal. Killed on dispose, with its process group. */
export interface Terminal extends AsyncDisposable {
  /** Everything it has written so far. */
  output(): string;
  /** Ctrl-C: reaches every process of the foreground at once. */
  interrupt(): void;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

export function openTerminal({ line, cwd, env, size }: TerminalOptions): Terminal {
  const [command, ...args] = size
    ? [getTool('script'), '-qfec', `stty cols ${size.columns} rows ${size.rows}; ${line}`, '/dev/null']
    : [getTool('bash'), '-c', line];
  // script runs lines with the person's shell; one that stays to wait for them (dash) would itself end with 130 at Ctrl-C
  const shell = { ...env, SHELL: getTool('bash') };
  const child = spawn(command, args, { cwd, env: shell, stdio: 'pipe', detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  child.stdin.on('error', () => undefined);
  const signal = (name: NodeJS.Signals) => child.exitCode === null && child.pid && process.kill(-child.pid, name);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    interrupt: () => void (size ? child.stdin.write('\u0003') : signal('SIGINT')),
    ended,
    [Symbol.asyncDispose]: async () => {
      signal('SIGKILL');
      await ended;
    },
  };
}

/** The command lines of all processes, but this one, that have a text in their environment, such as the path of a folder. */
export async function processesWith(text: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const read = async (id: string, file: string) => await readFile(join('/proc', id, file), 'utf8').catch(() => '');
  const found = ids.map(async (id) => ((await read(id, 'environ')).includes(text) ? await read(id, 'cmdline') : ''));
  return (await Promise.all(found)).filter((line) => line !== '').map((line) => line.replaceAll('\0', ' ').trim());
}
