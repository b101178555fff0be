import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { tethered } from '@wheelhouse/shared/process/tether';
import { portOpen } from './free-port.ts';

export interface ChildOptions {
  /** Program and arguments. */
  command: string;
  args: readonly string[];
  /** The file that standard output and error are appended to. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Resolves when the process serves; a number is a port of 127.0.0.1 to wait for. */
  ready: number | (() => Promise<void>);
}

/** A process or container that can be killed and started again with the same arguments. Ended on dispose. */
export interface Server extends AsyncDisposable {
  readonly pid: number;
  /** Sends the signal (SIGKILL unless given), waits for the end if it ends processes; nothing happens after the end. */
  kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** Kills what still runs, starts anew and waits until it is ready. */
  restart: () => Promise<void>;
}

/** A process; ended also when this process exits. */
export interface Child extends Server {
  /** What it has written so far, to both outputs. */
  output(): string;
}

/** Starts a process and waits until it is ready. Throws with the end of its output when it ends before that. */
export async function startChild(options: ChildOptions): Promise<Child> {
  let child = await launch(options);
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    if (endsProcesses(signal)) await ended;
  };
  return {
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    restart: async () => {
      await kill();
      child = await launch(options);
    },
    output: () => readFileSync(options.logFile, 'utf8'),
    [Symbol.asyncDispose]: () => kill(),
  };
}

async function launch(options: ChildOptions): Promise<ChildProcess> {
  const log = openSync(options.logFile, 'a');
  const [command, ...args] = tethered([options.command, ...options.args]);
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  closeSync(log);
  endWithThisProcess(child);
  const failed = new AbortController();
  const ended = once(child, 'exit', { signal: failed.signal }).then(([code, signal]) => {
    const tail = readFileSync(options.logFile, 'utf8').slice(-2_000);
    throw new FleetError('Internal', `${options.command} ended with ${code ?? signal} before it was ready: ${tail}`);
  });
  const ready = typeof options.ready === 'number' ? portOpen(options.ready, readyTimeoutMs) : options.ready();
  try {
    await Promise.race([ready.catch((cause: unknown) => throwNotReady(options, cause)), ended]);
  } catch (error) {
    child.kill('SIGKILL');
    ready.catch(() => undefined);
    throw error;
  } finally {
    failed.abort();
    ended.catch(() => undefined);
  }
  return child;
}

/** Long, because a busy machine starts one slowly. */
const readyTimeoutMs = 120_000;

function throwNotReady({ command, args, logFile }: ChildOptions, cause: unknown): never {
  const tail = readFileSync(logFile, 'utf8').slice(-2_000);
  const line = [command, ...args].join(' ');
  throw new FleetError('Internal', `${line} did not become ready: ${String(cause)}; its log ends with: ${tail}`, {
    cause,
  });
}

/** Whether a signal ends a server that does as servers do. */
export function endsProcesses(signal: NodeJS.Signals): boolean {
  return ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT'].includes(signal);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill('SIGKILL');
  process.setMaxListeners(0);
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

/** Runs a program to its end and returns its standard output. Throws with the end of what it wrote when it fails. */
export async function runChild(
  command: string,
  args: readonly string[],
  options: { input?: string | Buffer; cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<string> {
  const { timeoutMs = 60_000 } = options;
  const child = spawn(command, args, {
    stdio: 'pipe',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    env: options.env ?? process.env,
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return Buffer.concat(output).toString();
  const end = code === null ? `was ended by ${signal}; it had ${timeoutMs / 1_000} s` : `ended with ${code}`;
  const tail = Buffer.concat([...output, ...errors])
    .toString()
    .slice(-2_000);
  throw new FleetError('Internal', `${command} ${args[0] ?? ''} ${end}: ${tail}`);
}
