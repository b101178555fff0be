import { type ChildProcess, spawn } from 'node:child_process';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { tethered } from '@wheelhouse/shared/process/tether';
import { type Confinement, confinement } from './confinement.ts';
import type { Sandbox } from './plugins/sandbox.ts';

export interface ToolPoolOptions {
  /** Children at a time. */
  concurrency: number;
  /** Of one child; its whole process group is killed after that. */
  timeoutMs: number;
  /** Of one child: hard for its data, with Go's collector told to stay below three quarters of it. */
  memoryBytes: number;
  /** Of standard output. */
  outputBytes: number;
}

export interface ToolRun {
  /** Path of the executable. */
  command: string;
  args: readonly string[];
  cwd: string;
  /** HOME of the child: a temporary directory. */
  home: string;
  /** For people: `kustomize build of apps/web`. */
  what: string;
  /** Taken out of error texts, so that paths read as in the repository. */
  root: string;
  /** All that the child may see of the disk; the command, its arguments and its folders are paths in it. Refused where that cannot be. */
  jail?: string;
  /** Likewise, for programs of this machine; `cwd` is a path in it. Refused where that cannot be. */
  sandbox?: Sandbox;
  /** All that is in the child's environment, instead of what kustomize and helm are given. */
  environment?: Readonly<Record<string, string>>;
  /** Instead of the pool's, where it is shorter. */
  timeoutMs?: number;
}

/** Runs children: bounded, without network, with a scrubbed environment. Returns standard output. */
export type ToolPool = (run: ToolRun, signal: AbortSignal) => Promise<string>;

/**
 * Children have no network: a network namespace of their own where the kernel allows, else proxies that lead nowhere (then
 * a warning says so once). RLIMIT_DATA bounds memory, since Go reserves far more address space than it uses.
 */
export function createToolPool(deps: { logger: Logger }, options: ToolPoolOptions): ToolPool {
  const limit = createLimit(options.concurrency);
  let confined: Promise<Confinement> | undefined;
  return async (run, signal) =>
    await limit(async () => {
      signal.throwIfAborted();
      confined ??= confinement(deps.logger, options.memoryBytes);
      const prefix = await prefixOf(run, await confined);
      signal.throwIfAborted();
      return await runChild(run, { ...options, prefix }, signal);
    });
}

async function prefixOf(run: ToolRun, { prefix, jail, sandbox }: Confinement): Promise<string[]> {
  if (run.sandbox) {
    const found = await sandbox(run.sandbox, run.cwd);
    if (found) return found;
    throw unconfined(run, 'unshare --net --mount --pid, pivot_root, setpriv');
  }
  if (run.jail === undefined) return prefix;
  if (jail) return jail(run.jail, run.cwd);
  throw unconfined(run, 'unshare --net --root');
}

function unconfined({ what }: ToolRun, needed: string): FleetError {
  return new FleetError(
    'Unsupported',
    `${what} is not run: it could read the hub's own files, and this machine allows no root of its own for it (${needed})`,
  );
}

interface Outcome {
  code: number | null;
  stdout: Buffer[];
  stderr: string;
  stopped?: FleetError;
}

async function runChild(
  run: ToolRun,
  options: ToolPoolOptions & { prefix: string[] },
  signal: AbortSignal,
): Promise<string> {
  const [confiner = run.command, ...confined] = [...options.prefix, run.command, ...run.args];
  const [command, ...args] = tethered([confiner, ...confined]);
  const child = spawn(command, args, {
    cwd: run.sandbox?.workspace ?? run.jail ?? run.cwd,
    env: run.environment ?? childEnvironment(run.home, options.memoryBytes),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const outcome = await watch(child, { run, options, signal });
  if (outcome.stopped) throw outcome.stopped;
  if (outcome.code === 0) return Buffer.concat(outcome.stdout).toString();
  if (outcome.code === 127 && !run.sandbox) throw toolMissing(run.command);
  throw failure(run, outcome, options.memoryBytes);
}

function watch(
  child: ChildProcess,
  context: { run: ToolRun; options: ToolPoolOptions; signal: AbortSignal },
): Promise<Outcome> {
  const { run, options, signal } = context;
  const outcome: Outcome = { code: null, stdout: [], stderr: '' };
  const timeoutMs = Math.min(options.timeoutMs, run.timeoutMs ?? options.timeoutMs);
  let bytes = 0;
  const stop = (error: FleetError) => {
    outcome.stopped ??= error;
    killGroup(child);
  };
  const onAbort = () => stop(new FleetError('Aborted', `${run.what} was stopped`, { cause: signal.reason }));
  const timer = setTimeout(
    () => stop(new FleetError('RenderTimeout', `${run.what} took longer than ${timeoutMs / 1000} s and was stopped`)),
    timeoutMs,
  );
  signal.addEventListener('abort', onAbort, { once: true });
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= options.outputBytes) outcome.stdout.push(chunk);
    else stop(new FleetError('TooLarge', `${run.what} wrote more than ${options.outputBytes / 1024 ** 2} MB`));
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (outcome.stderr.length < 64 * 1024) outcome.stderr += text;
  });
  return new Promise((resolve) => {
    const end = (code: number | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve({ ...outcome, code });
    };
    child.once('close', end);
    child.once('error', (error) => {
      outcome.stopped ??= toolMissing(run.command, error);
      end(null);
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childEnvironment(home: string, memoryBytes: number): NodeJS.ProcessEnv {
  const nowhere = 'http://127.0.0.1:9';
  return {
    HOME: home,
    TMPDIR: home,
    PATH: '/nonexistent',
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    ALL_PROXY: nowhere,
    NO_PROXY: '',
    // A render lives for milliseconds: collecting garbage costs more than it saves until the limit is near.
    GOGC: 'off',
    GOMAXPROCS: '1',
    GOMEMLIMIT: String(Math.floor(memoryBytes * 0.75)),
    GOTRACEBACK: 'none',
  };
}

function failure(run: ToolRun, outcome: Outcome, memoryBytes: number): FleetError {
  const output = trimOutput(outcome.stderr, run.root);
  if (/out of memory|cannot allocate memory/u.test(output) || outcome.code === null)
    return new FleetError(
      'RenderFailed',
      `${run.what} was killed, or needs more memory than ${memoryBytes / 1024 ** 2} MB: ${output.split('\n')[0]}`,
    );
  return new FleetError('RenderFailed', `${run.what} failed: ${output || `exit code ${outcome.code}`}`, {
    details: { exitCode: outcome.code },
  });
}

function toolMissing(command: string, cause?: unknown): FleetError {
  return new FleetError(
    'ToolMissing',
    `${command} cannot be run: install it (npm run setup) or correct its path in the settings`,
    { cause },
  );
}

/** What a tool wrote on standard error, without our temporary paths, on 2,000 characters at most. */
function trimOutput(text: string, root: string): string {
  const clean = text
    .replaceAll(`${root}/`, '')
    .replaceAll(root, '.')
    .replace(/^Error: /u, '')
    .replace('Use --debug flag to render out invalid YAML', '')
    .trim();
  return clean.length <= 2_000 ? clean : `${clean.slice(0, 1_000)} … ${clean.slice(-1_000)}`;
}
