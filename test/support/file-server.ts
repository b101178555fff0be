import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Answers by path; what is not here is answered with 404. */
  readonly files: Map<string, string>;
  /** Headers of each request, in order. */
  readonly seen: Record<string, unknown>[];
}

/** Files over plain HTTP, on a free port. */
export async function startFileServer(files: Record<string, string> = {}): Promise<FileServer> {
  const served = new Map(Object.entries(files));
  const seen: Record<string, unknown>[] = [];
  const server = createServer(({ url = '', headers }, response) => {
    seen.push(headers);
    const content = served.get(url);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files: served,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
