/**
 * Starts children from a small process of its own: a child begins as a copy of the page tables of whoever starts it, which for
 * a hub of 450 MB costs it 25 ms on its one thread, and as much again to throw the copy away.
 * It must never outlive the hub, nor a child outlive it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { tethered } from '@wheelhouse/shared/process/tether';
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

export type LauncherRequest = ({ type: 'launch'; id: number } & Launch) | { type: 'stop'; id: number };
export type LauncherReply = { id: number } & Ended;

export interface Launcher extends AsyncDisposable {
  /** Resolves when the child has ended, however it did; the signal kills it. Throws Internal when the process that starts children is gone. */
  launch(launch: Launch, signal: AbortSignal): Promise<Ended>;
}

/** Its own waiting and copying is all that the process does, so it needs few threads and no room for garbage. */
const flags = ['--single-threaded', '--max-semi-space-size=1'];

/** What goes before a command line confines the process, and so all that it starts. */
export function createLauncher(deps: { logger: Logger }, options: { prefix: readonly string[] }): Launcher {
  let current: Starter | undefined;
  return {
    launch: async (launch, signal) => {
      if (!current?.isUsable()) current = startStarter(deps.logger, options.prefix);
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

function startStarter(logger: Logger, prefix: readonly string[]): Starter {
  const child = startProcess(prefix);
  const waiting = new Map<number, PromiseWithResolvers<Ended>>();
  const exited = new AbortController();
  let next = 0;
  let ending = false;
  const fail = (cause?: unknown) => {
    exited.abort();
    if (!ending) logger.warn({ err: cause }, 'the process that starts tools has ended: another one takes its place');
    const gone = new FleetError('Internal', 'the process that starts tools has ended', { cause });
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  const settle = ({ id, ...ended }: LauncherReply) => {
    waiting.get(id)?.resolve(ended);
    waiting.delete(id);
    if (waiting.size === 0) setReferenced(child, false);
  };
  child.on('message', settle).once('exit', () => fail());
  child.on('error', fail);
  return {
    isUsable: () => child.connected && !exited.signal.aborted,
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
      return await ended.promise.finally(() => signal.removeEventListener('abort', stop));
    },
    end: async () => {
      ending = true;
      if (exited.signal.aborted) return;
      setReferenced(child, true);
      if (child.connected) child.disconnect();
      await once(exited.signal, 'abort');
    },
  };
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
