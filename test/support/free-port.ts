import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { claimFile } from '@wheelhouse/shared/files/claim-file';
import { eventually } from './eventually.ts';

/** Below those that the kernel gives to whoever connects or listens without a wish: they could be gone before they are used. */
const ports = { from: 10_000, to: 32_000 };

/** Holds a file for each port that was given, with the id of the process that got it. */
const claims = join(tmpdir(), `wheelhouse-ports-${userInfo().uid}`);

/**
 * A TCP port of 127.0.0.1 that nobody listens on at this moment. Nobody else is given it as long as this process runs: nobody
 * listens on it either until its server has started, and while that is started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(ports.from, ports.to);
    if ((await claim(port)) && !(await isListenedOn(port))) return port;
  }
}

async function claim(port: number): Promise<boolean> {
  await mkdir(claims, { recursive: true });
  const file = join(claims, String(port));
  const isGone = async (owner: string) => !isRunning(Number(owner));
  const isMine = await claimFile(file, { owner: String(process.pid), isGone });
  process.setMaxListeners(0);
  if (isMine) process.once('exit', () => rmSync(file, { force: true }));
  return isMine;
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isListenedOn(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return false;
}

/** Resolves as soon as something accepts connections on 127.0.0.1:`port`; a loaded machine is given a minute. */
export async function portOpen(port: number, timeoutMs = 60_000): Promise<void> {
  const attempt = async () => {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  };
  await eventually(attempt, { timeoutMs, intervalMs: 20 });
}
