import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { eventually } from './eventually.ts';

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
