// An LFS server that answers as the documents of Git LFS say.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LfsServer extends AsyncDisposable {
  origin: string;
  /** Of a repository beside it. */
  url: string;
  /** Method, path and authorization of each request. */
  seen: (string | undefined)[][];
  answer(next: Answers): void;
}

interface Answers {
  status?: number;
  body?: string;
  href?: string;
  header?: object;
  error?: object | undefined;
  content?: string | undefined;
}

/** Has one file, until told otherwise. */
export async function startLfsServer(file: string): Promise<LfsServer> {
  const oid = lfsId(file);
  const seen: (string | undefined)[][] = [];
  let answers: Answers = { content: file };
  const server = createServer((request: IncomingMessage, response) => {
    seen.push([request.method, request.url, request.headers.authorization]);
    const { origin } = place();
    if (request.method === 'GET') {
      response.writeHead(answers.content === undefined ? 410 : 200).end(answers.content);
      return;
    }
    const { href = `${origin}/store/${oid}`, header, error, status = 200, body } = answers;
    const object = { oid, size: file.length, ...(error ? { error } : { actions: { download: { href, header } } }) };
    response.writeHead(status).end(body ?? JSON.stringify({ transfer: 'basic', objects: [object] }));
  });
  const place = () => ({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { origin } = place();
  return {
    origin,
    url: `${origin}/team/app.git`,
    seen,
    answer: (next: Answers) => void (answers = { ...answers, ...next }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What names a file in LFS. */
export function lfsId(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What Git holds in place of the file. */
export function lfsPointer(id: string, size: number): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${size}\n`;
}
