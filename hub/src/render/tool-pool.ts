import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { tethered } from '@wheelhouse/shared/process/tether';
import { type Confinement, confinement, type Try, withoutNetwork } from './confinement.ts';
import { createLauncher, type Ended, type Launch, type Launcher } from './launcher.ts';
import { type Sandbox, sandboxTasks } from './plugins/sandbox.ts';

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

export interface OwnedToolPool extends AsyncDisposable {
  run: ToolPool;
}

/**
 * Children have no network: the process that starts them is in a network namespace with nothing in it where the kernel allows,
 * else they are given proxies that lead nowhere (then a warning says so once). RLIMIT_DATA bounds memory, since Go reserves far
 * more address space than it uses.
 */
export function createToolPool(deps: { logger: Logger }, options: ToolPoolOptions): OwnedToolPool {
  const limit = createLimit(options.concurrency);
  let opened: Promise<Opened> | undefined;
  let closed = false;
  const run: ToolPool = async (wanted, signal) =>
    await limit(async () => {
      signal.throwIfAborted();
      if (closed) throw new FleetError('Aborted', `${wanted.what} is not run: the hub is stopping`);
      // what could not be found out is no finding
      opened ??= open(deps, options).catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      const { launcher, confined } = await opened;
      const prefix = await prefixOf(wanted, confined);
      return await runChild(wanted, { launcher, prefix, options }, signal);
    }, signal);
  const close = async () => {
    closed = true;
    // what could not be opened has closed itself, and told whoever asked for it
    const left = await opened?.catch(() => undefined);
    await left?.launcher[Symbol.asyncDispose]();
  };
  return { run, [Symbol.asyncDispose]: close };
}

interface Opened {
  launcher: Launcher;
  confined: Confinement;
}

async function open(deps: { logger: Logger }, { memoryBytes }: ToolPoolOptions): Promise<Opened> {
  const launcher = createLauncher(deps, { prefix: (await withoutNetwork(deps.logger)) ?? [] });
  const limits = { timeoutMs: 60_000, outputBytes: 64 * 1024, cwd: '/', environment: {} };
  const attempt: Try = async (line) => {
    const { code, killed } = await launcher.launch({ line, ...limits }, new AbortController().signal);
    if (killed) throw new FleetError('Internal', `${line.join(' ')} took too long to try`);
    return code === 0;
  };
  try {
    return { launcher, confined: await confinement(deps.logger, memoryBytes, attempt) };
  } catch (error) {
    await launcher[Symbol.asyncDispose]();
    throw error;
  }
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

async function runChild(
  run: ToolRun,
  { launcher, prefix, options }: { launcher: Launcher; prefix: string[]; options: ToolPoolOptions },
  signal: AbortSignal,
): Promise<string> {
  const launch = launchOf(run, prefix, options);
  const ended = await launcher.launch(launch, signal);
  const { killed, code, stdout } = ended;
  if (killed) throw whyKilled(run, { ...launch, killed }, signal);
  if (code === 0) return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.length).toString();
  if (code === 127 && !run.sandbox) throw toolMissing(run.command);
  throw failure(run, ended, options.memoryBytes);
}

function launchOf(run: ToolRun, prefix: string[], options: ToolPoolOptions): Launch {
  const [confiner = run.command, ...confined] = [...prefix, run.command, ...run.args];
  return {
    line: tethered([confiner, ...confined]),
    cwd: run.sandbox?.workspace ?? run.jail ?? run.cwd,
    environment: run.environment ?? childEnvironment(run.home, options.memoryBytes),
    timeoutMs: Math.min(options.timeoutMs, run.timeoutMs ?? options.timeoutMs),
    outputBytes: options.outputBytes,
    ...(run.sandbox ? { tree: { tasks: sandboxTasks, memoryBytes: treeBytes(options) } } : {}),
  };
}

/** What programs of a sandbox may use together: any one of them is bounded as every child is. */
function treeBytes({ memoryBytes }: Pick<ToolPoolOptions, 'memoryBytes'>): number {
  return 2 * memoryBytes;
}

function whyKilled(
  { what }: ToolRun,
  {
    killed,
    timeoutMs,
    outputBytes,
    tree,
  }: Required<Pick<Ended, 'killed'>> & Omit<Launch, 'line' | 'cwd' | 'environment'>,
  signal: AbortSignal,
): FleetError {
  if (killed === 'timeout')
    return new FleetError('RenderTimeout', `${what} took longer than ${timeoutMs / 1000} s and was stopped`);
  if (killed === 'output') return new FleetError('TooLarge', `${what} wrote more than ${outputBytes / 1024 ** 2} MB`);
  if (killed === 'tasks')
    return new FleetError('RenderFailed', `${what} ran more than ${tree?.tasks} processes and threads and was stopped`);
  if (killed === 'memoryBytes')
    return new FleetError(
      'RenderFailed',
      `${what} needed more memory than ${(tree?.memoryBytes ?? 0) / 1024 ** 2} MB for all of its processes and was stopped`,
    );
  return new FleetError('Aborted', `${what} was stopped`, { cause: signal.reason });
}

function childEnvironment(home: string, memoryBytes: number): Record<string, string> {
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
    // helm compresses kubectl's translations before it does anything: English ones are 350 KB, these 6, none of it in what it renders.
    LC_MESSAGES: 'fr_FR.UTF-8',
  };
}

function failure(run: ToolRun, { code, stderr, notBegun }: Ended, memoryBytes: number): FleetError {
  if (notBegun?.code === 'ENOENT' || notBegun?.code === 'EACCES') return toolMissing(run.command, notBegun.message);
  if (notBegun) return new FleetError('RenderFailed', `${run.what} could not be started: ${notBegun.message}`);
  const output = trimOutput(stderr, run.root);
  if (/out of memory|cannot allocate memory/u.test(output) || code === null)
    return new FleetError(
      'RenderFailed',
      `${run.what} was killed, or needs more memory than ${memoryBytes / 1024 ** 2} MB: ${output.split('\n')[0]}`,
    );
  return new FleetError('RenderFailed', `${run.what} failed: ${output || `exit code ${code}`}`, {
    details: { exitCode: code },
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
