/**
 * A simulated cluster's API on loopback, for people and scripts that break things by hand: reads, merge patches and
 * deletions under Kubernetes' own paths. Not for agents: they use the port.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { ApiResource } from '../cluster.ts';
import type { MemoryCluster } from './memory.ts';

const maxBodyBytes = 1024 * 1024;

/** Listens on 127.0.0.1 only. */
export async function serveMemoryCluster(
  cluster: MemoryCluster,
  port: number,
): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((request, response) => void answer(cluster, request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(cluster: MemoryCluster, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  try {
    const target = await parseTarget(cluster, request.url ?? '', signal);
    send(response, 200, await act(cluster, { request, ...target }, signal));
  } catch (error) {
    const { status, code, message } = toFleetError(error);
    send(response, status, { kind: 'Status', status: 'Failure', reason: code, message, code: status });
  }
}

interface Call {
  request: IncomingMessage;
  resource: ApiResource;
  ref: ObjectRef;
}

async function act(cluster: MemoryCluster, { request, resource, ref }: Call, signal: AbortSignal): Promise<unknown> {
  if (ref.name === '') return { kind: 'List', items: await collect(cluster, resource, ref.namespace) };
  const object = await cluster.find(ref, signal);
  if (!object) throw new FleetError('NotFound', `${ref.kind} ${ref.namespace}/${ref.name} does not exist`);
  if (request.method === 'GET') return object;
  if (request.method === 'DELETE') return cluster.edit(ref, () => undefined, 'by-hand') ?? object;
  if (request.method !== 'PATCH') throw new FleetError('Invalid', `method ${request.method} is not simulated`);
  const patch = JSON.parse(await readBody(request)) as unknown;
  return cluster.edit(ref, (present) => mergePatch(present, patch) as KubeObject, 'by-hand');
}

async function collect(cluster: MemoryCluster, resource: ApiResource, namespace: string): Promise<KubeObject[]> {
  const objects = await Array.fromAsync(cluster.list(resource, AbortSignal.timeout(10_000)));
  return objects.filter((object) => namespace === '' || object.metadata.namespace === namespace);
}

/** `/api/v1/namespaces/NS/PLURAL/NAME`, `/apis/GROUP/VERSION/PLURAL/NAME` and the like. */
async function parseTarget(
  cluster: MemoryCluster,
  url: string,
  signal: AbortSignal,
): Promise<Pick<Call, 'resource' | 'ref'>> {
  const pattern =
    /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?$/;
  const {
    group = '',
    version = '',
    namespace = '',
    plural = '',
    name = '',
  } = pattern.exec(new URL(url, 'http://x').pathname)?.groups ?? {};
  const resource = (await cluster.resources(signal)).find(
    (one) => one.group === group && one.version === version && one.plural === plural,
  );
  if (!resource) throw new FleetError('NotFound', `the simulated cluster does not serve ${url}`);
  return { resource, ref: { group, version, kind: resource.kind, namespace, name } };
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(typeof target === 'object' && !Array.isArray(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new FleetError('TooLarge', `a patch has at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${formatJson(body)}\n`);
}
