import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { eventually } from './eventually.ts';

/** Below those that the kernel gives to whoever connects or listens without a wish: they could be gone before they are used. */
const ports = { from: 10_000, to: 32_000 };

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(ports.from, ports.to);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
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
