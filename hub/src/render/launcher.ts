/**
 * Starts children from a small process of its own: a child begins as a copy of the page tables of whoever starts it, which for
 * a hub of 450 MB costs it 25 ms on its one thread, and as much again to throw the copy away.
 * It must never outlive the hub, nor a child outlive it, and nobody waits for one that is stopped or stuck.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@wheelhouse/shared/async/clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { tethered } from '@wheelhouse/shared/process/tether';
import { createLiveness } from './liveness.ts';
import type { TreeBounds } from './process-tree.ts';

/** One child: a process group of its own with nothing on its standard input. */
export interface Launch {
  line: readonly [string, ...string[]];
  cwd: string;
  /** All of its environment. */
  environment: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Of standard output. */
  outputBytes: number;
  /** Of the child and everything that it starts; not bounded unless given. */
  tree?: TreeBounds;
}

export interface Ended {
  /** Null for one that was killed or never began. */
  code: number | null;
  stdout: Uint8Array;
  /** Its first 64 KiB, or a little more. */
  stderr: string;
  /** Why it was killed, with its whole group. */
  killed?: 'stopped' | 'timeout' | 'output' | keyof TreeBounds;
  /** Why it never began: what the system says. */
  notBegun?: { code?: string; message: string };
}

export type LauncherRequest =
  | ({ type: 'launch'; id: number } & Launch)
  | { type: 'stop'; id: number }
  | { type: 'ask' };
export type LauncherReply = ({ id: number } & Ended) | 'alive';

export interface Launcher extends AsyncDisposable {
  /** Resolves when the child has ended, however it did; the signal kills it. Throws, retryable, Internal when the process that starts children is gone, and RenderTimeout when it does not answer. */
  launch(launch: Launch, signal: AbortSignal): Promise<Ended>;
}

/** Its own waiting and copying is all that the process does, so it needs few threads and no room for garbage. */
const flags = ['--single-threaded', '--max-semi-space-size=1'];

export interface LauncherOptions {
  /** What goes before a command line confines the process, and so all that it starts. */
  prefix: readonly string[];
  /** How long the process may say nothing while something is wanted of it, before another takes its place. Default 15 s. */
  silentMs?: number;
}

const defaultSilentMs = 15_000;

export function createLauncher(deps: { logger: Logger }, { prefix, silentMs }: LauncherOptions): Launcher {
  const options = { prefix, silentMs: silentMs ?? defaultSilentMs };
  let current: Starter | undefined;
  return {
    launch: async (launch, signal) => {
      if (!current?.isUsable()) current = startStarter(deps.logger, options);
      return await current.launch(launch, signal);
    },
    [Symbol.asyncDispose]: async () => await current?.end(),
  };
}

interface Starter {
  isUsable(): boolean;
  launch: Launcher['launch'];
  end(): Promise<void>;
}

function startStarter(logger: Logger, { prefix, silentMs }: Required<LauncherOptions>): Starter {
  const child = startProcess(prefix);
  const waiting = new Map<number, PromiseWithResolvers<Ended>>();
  const gone = new AbortController();
  let next = 0;
  let ending = false;
  const fail = (error: FleetError) => {
    if (gone.signal.aborted) return;
    gone.abort();
    liveness.rest();
    if (!ending) logger.warn({ err: error }, 'the process that starts tools is gone: another one takes its place');
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const onSilent = () => {
    fail(silence(silentMs));
    // what is stopped ends all the same, and its children with it
    child.kill('SIGKILL');
  };
  const liveness = createLiveness(
    { clock: systemClock, ask: () => send(child, { type: 'ask' }), onSilent },
    { silentMs },
  );
  const settle = (reply: LauncherReply) => {
    liveness.heard();
    if (reply === 'alive') return;
    const { id, ...ended } = reply;
    waiting.get(id)?.resolve(ended);
    waiting.delete(id);
    if (waiting.size > 0 || ending) return;
    liveness.rest();
    setReferenced(child, false);
  };
  child.on('message', settle).once('exit', () => fail(endOf()));
  child.on('error', (cause) => fail(endOf(cause)));
  return {
    isUsable: () => child.connected && !gone.signal.aborted,
    launch: async (launch, signal) => {
      signal.throwIfAborted();
      next += 1;
      const id = next;
      const ended = Promise.withResolvers<Ended>();
      waiting.set(id, ended);
      setReferenced(child, true);
      const stop = () => send(child, { type: 'stop', id });
      signal.addEventListener('abort', stop, { once: true });
      send(child, { type: 'launch', id, ...launch });
      liveness.watch();
      return await ended.promise.finally(() => signal.removeEventListener('abort', stop));
    },
    end: async () => {
      ending = true;
      if (gone.signal.aborted) return;
      setReferenced(child, true);
      liveness.watch();
      if (child.connected) child.disconnect();
      await once(gone.signal, 'abort');
    },
  };
}

function endOf(cause?: unknown): FleetError {
  return new FleetError('Internal', 'the process that starts tools has ended', { cause });
}

function silence(silentMs: number): FleetError {
  return new FleetError(
    'RenderTimeout',
    `the process that starts tools said nothing for ${silentMs / 1_000} s and was ended: another one takes its place, try again`,
  );
}

function startProcess(prefix: readonly string[]): ChildProcess {
  const file = fileURLToPath(new URL('./launcher-process.mjs', import.meta.url));
  const [confiner, ...confined] = [...prefix, process.execPath, ...flags, file];
  const [command, ...args] = tethered([confiner, ...confined]);
  // a group of its own: what a terminal sends to the hub is the hub's to act upon
  return spawn(command, args, {
    env: {},
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

/** One that cannot be reached any more has ended, or is about to: its end is what is acted upon. */
function send(child: ChildProcess, request: LauncherRequest): void {
  if (child.connected) child.send(request, () => undefined);
}

function setReferenced(child: ChildProcess, referenced: boolean): void {
  const act = referenced ? 'ref' : 'unref';
  child[act]();
  child.channel?.[act]();
}
