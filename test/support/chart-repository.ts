// A Helm repository over HTTP for tests: `index.yaml` and archives, packed by the real helm.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface ChartRepository extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Packs a chart of these files (Chart.yaml is written) and puts it into the index; returns the path of the archive. */
  publish(name: string, version: string, files?: Record<string, string>): Promise<string>;
  /** Makes the index say something of a version that is not so. */
  lie(name: string, change: Partial<IndexEntry>): void;
  /** From now on refuses requests without these credentials with 401. */
  requireBasic(user: string, password: string): void;
  /** Requests answered so far, as `METHOD /path STATUS`. */
  readonly requests: readonly string[];
}

interface IndexEntry {
  version: string;
  urls: string[];
  digest?: string;
}

/** Serves charts on a free loopback port, in this process. */
export async function startChartRepository(): Promise<ChartRepository> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir({ memory: true }));
  const entries: Record<string, IndexEntry[]> = {};
  const archives = new Map<string, Buffer>();
  const requests: string[] = [];
  let authorization: string | undefined;
  const answer = (url: string): Buffer | undefined => {
    if (url !== '/index.yaml') return archives.get(url.slice(1));
    return Buffer.from(JSON.stringify({ apiVersion: 'v1', entries }));
  };
  const server = createServer((request, response) => {
    const respond = (status: number, headers: Record<string, string> = {}, body?: Buffer) => {
      requests.push(`${request.method} ${request.url} ${status}`);
      response.writeHead(status, headers).end(body);
    };
    if (authorization && request.headers.authorization !== authorization) return respond(401);
    const body = answer(request.url ?? '');
    if (!body) return respond(404);
    const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
    return request.headers['if-none-match'] === etag ? respond(304) : respond(200, { etag }, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const owned = stack.move();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    publish: async (name, version, files = {}) => {
      const archive = await packChart(path, { name, version, files });
      const content = await readFile(archive);
      archives.set(`${name}-${version}.tgz`, content);
      const digest = createHash('sha256').update(content).digest('hex');
      entries[name] = [
        ...(entries[name] ?? []).filter((entry) => entry.version !== version),
        { version, urls: [`${name}-${version}.tgz`], digest },
      ];
      return archive;
    },
    lie: (name, change) => {
      entries[name] = (entries[name] ?? []).map((entry) => ({ ...entry, ...change }));
    },
    requireBasic: (user, password) => {
      authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Packs with helm; `files` are below the chart's folder. Returns the archive's path. */
async function packChart(
  parent: string,
  chart: { name: string; version: string; files: Record<string, string> },
): Promise<string> {
  const { name, version, files } = chart;
  const folder = join(parent, `${name}-${version}`, name);
  const all = { 'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`, ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  execFileSync(getTool('helm'), ['package', folder, '--destination', parent], { stdio: 'pipe' });
  return join(parent, `${name}-${version}.tgz`);
}
