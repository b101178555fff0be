// Contact with clusters, looked at by two hubs on one real NATS: each change is told once, whichever sees it first, and a hub
// that was cut off, or comes late, tells nothing anew. Clocks are set by hand; what is stored and heard goes over the wire.
import { createClusters } from '@wheelhouse/hub/fleet/clusters';
import { createHearing, watchContact } from '@wheelhouse/hub/fleet/contact';
import { type Presence, watchPresence } from '@wheelhouse/hub/fleet/presence';
import { connectHub, type HubNats } from '@wheelhouse/hub/store/nats';
import { openStores, type Stores } from '@wheelhouse/hub/store/open-stores';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { eventually } from '../support/eventually.ts';
import { connectSpoke, logger, startTransport, type TransportFixture } from './transport-fixture.ts';

const minute = 60_000;
const names = ['eu-1', 'eu-2', 'us-1'];

interface Replica extends AsyncDisposable {
  nats: HubNats;
  stores: Stores;
  presence: Presence;
  /** What this one was the first to tell. */
  told: string[];
  /** Until it has looked twice at everything as it is now. */
  looked(): Promise<void>;
}

const stack = new AsyncDisposableStack();
let transport: TransportFixture;
let spokes: Map<string, Awaited<ReturnType<typeof connectSpoke>>>;
/** How far time has gone on, for all hubs. */
let passedMs = 0;
let seenBefore = 0;

beforeAll(async () => {
  transport = stack.use(await startTransport());
  spokes = new Map();
  for (const name of names) {
    const connection = await connectSpoke(transport, name);
    stack.defer(async () => await connection.close());
    spokes.set(name, connection);
  }
});
afterAll(async () => await stack.disposeAsync());
beforeEach(async () => {
  seenBefore = (await readAudit(transport.nats)).length;
});

async function startReplica(): Promise<Replica> {
  const { url, authority } = transport;
  await using own = new AsyncDisposableStack();
  const stop = new AbortController();
  const { signal } = stop;
  const now = () => new Date(Date.now() + passedMs);
  const elapsedMs = () => performance.now() + passedMs;
  const nats = own.use(await connectHub({ logger }, { url, name: 'hub', user: authority.hubUser() }, signal));
  own.defer(() => stop.abort());
  const stores = await openStores({ nats, logger, authority, sealingKey: Buffer.alloc(32, 1), now }, signal);
  const { records, audit } = stores;
  const presence = watchPresence({ nats, logger }, {}, signal);
  await presence.loaded();
  const told: string[] = [];
  let looks = 0;
  const clusters = createClusters({ records, presence, head: () => undefined, audit, now });
  const list = () => {
    looks += 1;
    return clusters.list();
  };
  const hearing = { hearingSince: createHearing(nats, elapsedMs), elapsedMs };
  const deps = { clusters: { list }, contacts: records.contacts, ...hearing, audit, logger, now };
  void watchContact({ ...deps, told: (state) => void told.push(state) }, { intervalMs: 10 }, signal);
  const owned = own.move();
  return {
    nats,
    stores,
    presence,
    told,
    looked: async () => {
      const before = looks;
      await eventually(() => expect(looks).toBeGreaterThan(before + 2));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function enrol(stores: Stores): Promise<void> {
  for (const name of names)
    await stores.records.clusters.put(
      name,
      {
        name,
        server: `https://${name}`,
        labels: {},
        annotations: {},
        publicKey: `U${name}`,
        uid: name,
        enrolledAt: new Date().toISOString(),
      },
      0,
    );
}

function beat(name: string): void {
  const heartbeat = { v: 1, cluster: name, uid: name, appliedGen: 0, statusDigest: '', agentVersion: '1' };
  const said = { ...heartbeat, kubernetesVersion: '1', at: new Date().toISOString() };
  spokes.get(name)?.publish(subjects.heartbeat(name), JSON.stringify(said));
}

/** What the audit stream says of contact since the test began, in order of the clusters. */
async function audited(): Promise<string[]> {
  const entries = (await readAudit(transport.nats)).slice(seenBefore);
  return entries
    .filter(({ action }) => action.startsWith('cluster '))
    .map(({ action, object }) => `${object} ${action}`)
    .sort();
}

const all = (state: string) => names.map((name) => `${name} cluster ${state}`);

/** Every replica has looked, and each of these was told once by one of them. */
async function expectTold(replicas: readonly Replica[], lines: readonly string[]): Promise<void> {
  await eventually(async () => expect(await audited()).toEqual(lines));
  for (const replica of replicas) await replica.looked();
  expect(await audited()).toEqual(lines);
}

test('of two hubs one tells that contact was made, that it is lost, and that it is back', async () => {
  await using a = await startReplica();
  await using b = await startReplica();
  const replicas = [a, b];
  await enrol(a.stores);
  await expectTold(replicas, all('connected'));

  passedMs += 2 * minute;
  await expectTold(replicas, [...all('connected'), ...all('stale')].sort());

  passedMs += 10 * minute;
  const lost = [...all('connected'), ...all('stale'), ...all('lost')].sort();
  await expectTold(replicas, lost);

  // heard of by NATS' clock, which is the real one: time that was passed by hand is taken back
  passedMs = 0;
  beat('eu-1');
  await expectTold(replicas, [...lost, 'eu-1 cluster connected'].sort());

  const told = replicas.flatMap((one) => one.told);
  expect(told.toSorted()).toEqual([
    ...Array.from({ length: 4 }, () => 'connected'),
    ...Array.from({ length: 3 }, () => 'lost'),
    ...Array.from({ length: 3 }, () => 'stale'),
  ]);
});

test('a hub that starts later tells nothing that was told, and what is new once', async () => {
  await using a = await startReplica();
  await a.looked();
  await using b = await startReplica();
  await b.looked();
  expect(await audited()).toEqual([]);
  beat('eu-2');
  await expectTold([a, b], ['eu-2 cluster connected']);
  expect([...a.told, ...b.told]).toEqual(['connected']);
});

test('a hub that took over from one that died tells what that one could not', async () => {
  {
    await using a = await startReplica();
    await a.looked();
  }
  beat('us-1');
  await using b = await startReplica();
  await expectTold([b], ['us-1 cluster connected']);
  // silence counts from when this one began to hear, not from when the other did
  passedMs += minute;
  await b.looked();
  expect(b.told).toEqual(['connected']);
  passedMs += 2 * minute;
  await expectTold([b], ['eu-1 cluster stale', 'eu-2 cluster stale', 'us-1 cluster connected', 'us-1 cluster stale']);
  passedMs = 0;
});
