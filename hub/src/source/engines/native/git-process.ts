import { spawn } from 'node:child_process';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { tethered } from '@wheelhouse/shared/process/tether';

export interface GitRun {
  /** What is run in place of git, and what is said where it cannot be. */
  program?: { command: string; missing: string };
  args: readonly string[];
  /** Everything the process sees of the environment. */
  env: Readonly<Record<string, string>>;
  /** Standard input; none unless given. */
  input?: Uint8Array;
  signal: AbortSignal;
  /** Standard output above this ends the process; 256 MiB. */
  maxOutputBytes?: number;
}

export interface GitResult {
  exitCode: number;
  stdout: string;
  /** The last 16 KiB. */
  stderr: string;
}

const git = { command: 'git', missing: 'git cannot be run; install git ≥ 2.31' };
const termGraceMs = 3_000;
const keptErrorBytes = 16 << 10;

/**
 * Runs git in a process group of its own, which ends with the signal: SIGTERM, so that git removes its lock files, then
 * SIGKILL. Resolves with any exit code; throws ToolMissing without git, Aborted on the signal, TooLarge over the output limit.
 */
export async function runGit(run: GitRun): Promise<GitResult> {
  if (run.signal.aborted) throw new FleetError('Aborted', 'stopped before git began');
  const { maxOutputBytes = 256 << 20, program = git } = run;
  const missing = (cause: unknown) => new FleetError('ToolMissing', program.missing, { cause });
  const [command, ...args] = tethered([program.command, ...run.args]);
  const child = spawn(command, args, { env: run.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // who does not read it to its end says why by its exit code
  child.stdin.end(run.input);
  const killGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended
    }
  };
  let killTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    killGroup('SIGTERM');
    killTimer = setTimeout(() => killGroup('SIGKILL'), termGraceMs);
  };
  run.signal.addEventListener('abort', stop, { once: true });
  try {
    const output: Buffer[] = [];
    let outputBytes = 0;
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes > maxOutputBytes) killGroup('SIGKILL');
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-keptErrorBytes);
    });
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.on('error', (cause) => reject(missing(cause)));
      child.on('close', (code) => (code === 127 ? reject(missing(stderr)) : resolve(code ?? -1)));
    });
    if (run.signal.aborted) throw new FleetError('Aborted', 'git was stopped');
    if (outputBytes > maxOutputBytes) throw new FleetError('TooLarge', `git wrote more than ${maxOutputBytes} bytes`);
    return { exitCode, stdout: Buffer.concat(output).toString('utf8'), stderr };
  } finally {
    clearTimeout(killTimer);
    run.signal.removeEventListener('abort', stop);
  }
}
