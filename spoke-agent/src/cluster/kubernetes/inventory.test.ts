import { PassThrough } from 'node:stream';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { expect, it, vi } from 'vitest';
import { followInventory } from './inventory.ts';
import type { KubeRequest, Requests } from './requests.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const node = { metadata: { name: 'n' }, status: { allocatable: { cpu: '2' }, conditions: [ready('True')] } };
const pod = { metadata: { name: 'p' }, spec: { containers: [{ resources: { requests: { cpu: '1' } } }] } };
const apiService = { metadata: { name: 'v1.apps' }, spec: { group: 'apps' } };

function ready(status: string) {
  return { type: 'Ready', status };
}

/** An API server whose watches stay open until `close`, and that refuses what `refuses` names. */
function createServer() {
  const lists: Record<string, unknown[]> = { Node: [node], Pod: [pod], APIService: [apiService] };
  const seen: KubeRequest[] = [];
  const open = new Set<() => void>();
  const refuses = new Set<string>();
  const enter = (request: KubeRequest) => {
    seen.push(request);
    if (refuses.has(request.what)) throw new FleetError('Forbidden', `${request.what}: not allowed`);
  };
  const answer = (request: KubeRequest): unknown => {
    enter(request);
    if (request.path === '/version') return { gitVersion: 'v1.36.3' };
    return { metadata: { resourceVersion: '1' }, items: structuredClone(lists[request.path] ?? []) };
  };
  const requests: Requests = {
    send: async <T>(request: KubeRequest) => answer(request) as T,
    stream: async (request) => {
      enter(request);
      const stream = new PassThrough();
      const end = () => void stream.end();
      open.add(end);
      request.signal.addEventListener('abort', end);
      return stream;
    },
  };
  const close = () => {
    for (const end of open) end();
    open.clear();
  };
  return { requests, seen, refuses, close, lists };
}

function follow(server: ReturnType<typeof createServer>, signal: AbortSignal) {
  const pathOf = async ({ kind }: { kind: string }) => kind;
  return followInventory({ requests: server.requests, pathOf, random: () => 0 }, signal);
}

it('knows nothing before everything was listed, and says what is in the way', async () => {
  using stop = stopper();
  const server = createServer();
  server.refuses.add('list Pod');
  const inventory = follow(server, stop.signal);
  await vi.waitFor(() => expect(inventory.problem()).toMatchObject({ code: 'Forbidden' }), within);
  expect(inventory.current()).toBeUndefined();
  server.refuses.clear();
  await vi.waitFor(
    () => expect(inventory.current()).toMatchObject({ nodes: 1, requested: { cpuMillis: 1_000 }, apiGroups: ['apps'] }),
    within,
  );
  await vi.waitFor(() => expect(inventory.problem()).toBeUndefined(), within);
});

it('keeps what it knew, and says so, while a watch cannot be opened again', async () => {
  using stop = stopper();
  const server = createServer();
  const inventory = follow(server, stop.signal);
  await vi.waitFor(() => expect(inventory.current()).toBeDefined(), within);
  server.refuses.add('watch Node');
  server.close();
  await vi.waitFor(() => expect(inventory.problem()).toMatchObject({ code: 'Forbidden' }), within);
  expect(inventory.current()).toMatchObject({ nodes: 1 });
});

it('asks for nothing while its watches stand, and never for finished Pods', async () => {
  using stop = stopper();
  const server = createServer();
  const inventory = follow(server, stop.signal);
  await vi.waitFor(() => expect(inventory.kubernetesVersion()).toBe('v1.36.3'), within);
  await vi.waitFor(() => expect(server.seen).toHaveLength(7), within);
  const ofPods = server.seen.filter(({ path }) => path === 'Pod').map(({ query }) => query?.['fieldSelector']);
  expect(ofPods).toEqual(Array(2).fill('status.phase!=Succeeded,status.phase!=Failed'));
  for (let turn = 0; turn < 50; turn += 1) inventory.current();
  await new Promise((resolve) => setImmediate(resolve));
  expect(server.seen).toHaveLength(7);
});

function stopper(): Disposable & { signal: AbortSignal } {
  const stop = new AbortController();
  return { signal: stop.signal, [Symbol.dispose]: () => stop.abort() };
}
