import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The executable `wheelhouse`. */
export const wheelhouse = join(import.meta.dirname, '../../cli/bin/wheelhouse.mjs');

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  /** Runs `wheelhouse` with these arguments to its end, whatever the exit code. */
  run(args: readonly string[], input?: string): Promise<CommandResult>;
  /** Its standard output; throws with everything it wrote when the exit code is not 0. */
  succeed(...args: string[]): Promise<string>;
  /** Its answer, asked for with `-o json`. */
  json<T>(...args: string[]): Promise<T>;
}

/** The command line as a process of its own, with an environment in which nothing of this process's own is left. */
export function createCommandLine(options: { env: Record<string, string>; cwd?: string }): CommandLine {
  const run: CommandLine['run'] = async (args, input = '') => {
    const child = spawn(process.execPath, [wheelhouse, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
      ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code: Number(code), stdout, stderr };
  };
  const succeed: CommandLine['succeed'] = async (...args) => {
    const { code, stdout, stderr } = await run(args);
    if (code !== 0) throw new Error(`wheelhouse ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  };
  return { run, succeed, json: async <T>(...args: string[]) => JSON.parse(await succeed(...args, '-o', 'json')) as T };
}
