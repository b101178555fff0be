import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { createSigningKey, publicHalf } from '@wheelhouse/shared/protocol/document-key';
import { signDocument } from '@wheelhouse/shared/protocol/envelope';
import { describe, expect, it, vi } from 'vitest';
import { createDesired, type DesiredDeps, type DesiredDocument } from './desired.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const key = createSigningKey();
const logger = createLogger({ name: 'test', level: 'silent' });

function app(index: number): AssignedApp {
  const bundle = digestOf(randomBytes(32));
  const revision = randomBytes(20).toString('hex');
  return {
    app: `a-${index}`,
    ns: '',
    project: 'default',
    revision,
    bundle,
    vars: {},
    policy: { syncOptions: [] },
    wave: 0,
  };
}

function signed(gen: number, apps: AssignedApp[]) {
  const document: AssignmentDocument = {
    v: 1,
    cluster: 'us-east',
    gen,
    kid: key.kid,
    issuedAt: '2026-01-01T00:00:00Z',
    apps,
    ops: [],
    tombstones: [],
  };
  return signDocument(document, key);
}

/** A link that stands for the hub; without blobs it is unreachable. */
function fakeLink(blobs: Map<string, Buffer> | undefined) {
  const live = new Set<(bytes: Uint8Array) => void>();
  const connecting = new Set<() => void>();
  let asked = 0;
  const unreachable = new FleetError('TransportUnavailable', 'no hub', { retryable: false });
  const link: DesiredDeps['link'] = {
    cluster: 'us-east',
    state: () => (blobs ? 'connected' : 'connecting'),
    documentKeys: () => ({ [key.kid]: publicHalf(key) }),
    latest: async () => {
      asked += 1;
      return undefined;
    },
    blob: async (digest) => {
      const found = blobs?.get(digest);
      if (!found) throw unreachable;
      return found;
    },
    onLive: (listener) => {
      live.add(listener);
      return { [Symbol.dispose]: () => void live.delete(listener) };
    },
    onConnect: (listener) => {
      connecting.add(listener);
      return { [Symbol.dispose]: () => void connecting.delete(listener) };
    },
  };
  const send = (bytes: Uint8Array) => {
    for (const listener of live) listener(bytes);
  };
  const connect = () => {
    for (const listener of connecting) listener();
  };
  return { link, send, connect, asked: () => asked };
}

async function start(stateDir: string, link: DesiredDeps['link'], held: string[] = []) {
  const received: DesiredDocument[] = [];
  const onDocument = (document: DesiredDocument) => void received.push(document);
  const clock = createManualClock();
  const deps = { link, logger, clock, random: () => 0.5, onDocument, heldBundles: () => held };
  const desired = await createDesired(deps, { stateDir });
  return { desired, received, clock };
}

describe('what a spoke keeps on disk', () => {
  it.each([
    ['a small document', 3],
    ['a document so large that it travels as a page', 14_000],
  ])('brings %s back without the hub', async (_name, count) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const apps = Array.from({ length: count }, (_, index) => app(index));
    const blobs = new Map<string, Buffer>();
    const online = fakeLink(blobs);
    const first = await start(directory.path, online.link);
    for (const gen of [1, 2]) {
      const { envelope, page } = signed(gen, apps);
      if (page) blobs.set(page.digest, page.content);
      expect(page !== undefined).toBe(count > 1_000);
      online.send(envelope);
      await vi.waitFor(() => expect(first.desired.appliedGen()).toBe(gen), within);
    }
    await vi.waitFor(() => expect(first.received).toHaveLength(2), within);
    await first.desired[Symbol.asyncDispose]();

    const again = await start(directory.path, fakeLink(undefined).link);
    expect(again.received.map(({ document, restored }) => [document.gen, document.apps.length, restored])).toEqual([
      [2, count, true],
    ]);
    await again.desired[Symbol.asyncDispose]();
  });

  it('are also the bundles that are healed from although newer documents lost them; nothing half-written stays', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const content = Buffer.from('[]');
    const [lost, dropped] = [app(1), app(2)].map((one, index) => ({
      ...one,
      bundle: digestOf(Buffer.concat([content, Buffer.from(' '.repeat(index))])),
    }));
    if (!lost || !dropped) throw new Error('there are two');
    const blobs = new Map([
      [lost.bundle, content],
      [dropped.bundle, Buffer.from('[] ')],
    ]);
    const { link, send } = fakeLink(blobs);
    const first = await start(directory.path, link, [lost.bundle]);
    send(signed(1, [lost, dropped]).envelope);
    await vi.waitFor(() => expect(first.received).toHaveLength(1), within);
    for (const { bundle } of [lost, dropped]) await first.received[0]?.manifests(bundle);
    for (const gen of [2, 3, 4]) send(signed(gen, []).envelope);
    await vi.waitFor(() => expect(first.desired.appliedGen()).toBe(4), within);
    await first.desired[Symbol.asyncDispose]();
    await writeFile(join(directory.path, 'bundles', 'x.gz.123.draft'), '');

    const again = await start(directory.path, fakeLink(undefined).link, [lost.bundle]);
    expect(await readdir(join(directory.path, 'bundles'))).toHaveLength(1);
    expect(await again.received[0]?.manifests(lost.bundle)).toEqual([]);
    await again.desired[Symbol.asyncDispose]();
  });

  it('ignores what is older, and what is of another cluster', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const { link, send } = fakeLink(new Map());
    const { desired, received } = await start(directory.path, link);
    send(signed(5, []).envelope);
    send(signed(4, [app(1)]).envelope);
    send(signed(5, [app(1)]).envelope);
    send(signed(6, [app(1)]).envelope);
    await vi.waitFor(() => expect(desired.appliedGen()).toBe(6), within);
    expect(received.map(({ document }) => document.gen)).toEqual([5, 6]);
    await desired[Symbol.asyncDispose]();
  });

  it('takes what it holds already without a word, but judges it again by other keys', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const { link, send } = fakeLink(new Map());
    let keys = { [key.kid]: publicHalf(key) };
    const { desired, received } = await start(directory.path, { ...link, documentKeys: () => keys });
    const { envelope } = signed(5, []);
    for (let sent = 0; sent < 3; sent += 1) send(envelope);
    await vi.waitFor(() => expect(desired.appliedGen()).toBe(5), within);
    await setImmediate();
    expect([received.length, desired.rejected()]).toEqual([1, undefined]);

    const other = createSigningKey();
    keys = { [other.kid]: publicHalf(other) };
    send(envelope);
    await vi.waitFor(() => expect(desired.rejected()).toMatchObject({ count: 1, code: 'SignatureInvalid' }), within);
    await desired[Symbol.asyncDispose]();
  });
});

describe('after a connection was lost', () => {
  async function reconnect(directory: string) {
    const { link, send, connect, asked } = fakeLink(new Map());
    const spoke = await start(directory, link);
    send(signed(5, []).envelope);
    await vi.waitFor(() => expect(spoke.desired.appliedGen()).toBe(5), within);
    // what it asks when it starts
    spoke.clock.advance(0);
    await setImmediate();
    const before = asked();
    connect();
    const pass = async (ms: number) => {
      spoke.clock.advance(ms);
      await setImmediate();
      return asked() - before;
    };
    return { ...spoke, pass };
  }

  it('the document is asked for if nobody says within seconds which is the newest', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const { desired, pass } = await reconnect(directory.path);
    expect([await pass(9_900), await pass(10_200), await pass(60_000)]).toEqual([0, 1, 1]);
    await desired[Symbol.asyncDispose]();
  });

  it('a newer document is asked for at once, and none if there is none', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'desired-'));
    const { desired, pass } = await reconnect(directory.path);
    desired.newestIs(5);
    expect(await pass(60_000)).toBe(0);
    desired.newestIs(6);
    expect(await pass(0)).toBe(1);
    // every few minutes, whatever is said
    expect(await pass(600_000)).toBe(2);
    await desired[Symbol.asyncDispose]();
  });
});
