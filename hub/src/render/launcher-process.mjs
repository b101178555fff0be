/** The process of a launcher: starts children as it is told to and says how each ended. Ends, with all of them, when the hub does. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Ended, Launch, LauncherReply, LauncherRequest } from './launcher.ts';
import { type TreeBounds, whatExceeds } from './process-tree.ts';

const errorChars = 64 * 1024;
/** Between two looks at what a child has started. */
const lookMs = 200;
const stops = new Map<number, (why: NonNullable<Ended['killed']>) => void>();

process.on('message', (request: LauncherRequest) => {
  if (request.type === 'stop') stops.get(request.id)?.('stopped');
  else start(request);
});
process.on('disconnect', () => {
  for (const stop of stops.values()) stop('stopped');
  process.exit();
});

function start({ id, ...launch }: Extract<LauncherRequest, { type: 'launch' }>): void {
  const reply = (ended: Ended) => {
    stops.delete(id);
    const message: LauncherReply = { id, ...ended };
    if (process.connected) process.send?.(message);
  };
  try {
    watch(launch, { reply, onStart: (stop) => void stops.set(id, stop) });
  } catch (error) {
    reply(notBegun(error as NodeJS.ErrnoException));
  }
}

interface Watching {
  reply(ended: Ended): void;
  onStart(stop: (why: NonNullable<Ended['killed']>) => void): void;
}

function watch(launch: Launch, { reply, onStart }: Watching): void {
  const { line, cwd, environment, timeoutMs, outputBytes, tree } = launch;
  const [command, ...args] = line;
  const child = spawn(command, args, { cwd, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  let killed: Ended['killed'];
  const stop = (why: NonNullable<Ended['killed']>) => {
    killed ??= why;
    killGroup(child);
  };
  const timer = setTimeout(stop, timeoutMs, 'timeout');
  const looking = tree && setInterval(look, lookMs, child, tree, stop);
  onStart(stop);
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= outputBytes) stdout.push(chunk);
    else stop('output');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < errorChars) stderr += text;
  });
  const end = (ended: Ended) => {
    clearTimeout(timer);
    clearInterval(looking);
    reply(ended);
  };
  child.once('error', (error: NodeJS.ErrnoException) => {
    // 'close' follows for some of them
    child.removeAllListeners('close');
    end(notBegun(error));
  });
  child.once('close', (code) => {
    const output = killed === undefined ? Buffer.concat(stdout) : Buffer.alloc(0);
    end({ code, stdout: output, stderr, ...(killed === undefined ? {} : { killed }) });
  });
}

function look(child: ChildProcess, bounds: TreeBounds, stop: (why: keyof TreeBounds) => void): void {
  const exceeded = child.pid === undefined ? undefined : whatExceeds(child.pid, bounds);
  if (exceeded) stop(exceeded);
}

function notBegun({ code, message }: NodeJS.ErrnoException): Ended {
  const why = code === undefined ? { message } : { code, message };
  return { code: null, stdout: Buffer.alloc(0), stderr: '', notBegun: why };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
