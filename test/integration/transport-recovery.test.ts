import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCommands } from '@wheelhouse/hub/fleet/commands';
import { systemClock } from '@wheelhouse/shared/async/clock';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import { blobName, formatInline } from '@wheelhouse/shared/protocol/blob';
import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { createSigningKey, type SigningKey } from '@wheelhouse/shared/protocol/document-key';
import { signDocument } from '@wheelhouse/shared/protocol/envelope';
import type { AppStatus, Heartbeat } from '@wheelhouse/shared/protocol/status';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { createDesired, type Desired, type DesiredDocument } from '@wheelhouse/spoke-agent/desired/desired';
import { membershipOf } from '@wheelhouse/spoke-agent/link/enrol';
import type { Identity } from '@wheelhouse/spoke-agent/link/identity';
import { createLink, type Link } from '@wheelhouse/spoke-agent/link/link';
import { startHeartbeats } from '@wheelhouse/spoke-agent/report/heartbeats';
import { createReporter, type Reporter } from '@wheelhouse/spoke-agent/report/reporter';
import type { ReportedStatus } from '@wheelhouse/spoke-agent/sync/status';
import { eventually } from '@wheelhouse/test/support/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, logger, statusOf } from './transport-fixture.ts';
import { type FleetFixture, startFleetFixture } from './transport-fleet.ts';

interface Spoke extends AsyncDisposable {
  identity: Identity;
  link: Link;
  desired: Desired;
  reporter: Reporter;
  received: DesiredDocument[];
  stateDir: string;
}

let fixture: FleetFixture;
let count = 0;

beforeAll(async () => {
  fixture = await startFleetFixture();
});
afterAll(async () => await fixture?.[Symbol.asyncDispose]());

/** The whole agent but for the reconciler. */
async function startSpoke(
  identity: Identity,
  stateDir = join(fixture.transport.directory, `state-${count++}`),
): Promise<Spoke> {
  await using stack = new AsyncDisposableStack();
  await mkdir(stateDir, { recursive: true });
  const link = stack.use(
    createLink({ identity, logger }, { uid: `uid-${membershipOf(identity).cluster}`, maxDelayMs: 200 }),
  );
  const deps = { link, logger, clock: systemClock, random: Math.random };
  const received: DesiredDocument[] = [];
  const desired = stack.use(
    await createDesired(
      { ...deps, onDocument: (document) => received.push(document), heldBundles: () => [] },
      { stateDir },
    ),
  );
  const reporter = stack.use(createReporter(deps));
  const compose = (): Heartbeat => ({
    v: 1,
    cluster: link.cluster,
    uid: `uid-${link.cluster}`,
    appliedGen: desired.appliedGen(),
    statusDigest: reporter.digest(),
    agentVersion: '1.2.3',
    kubernetesVersion: 'v1.36.3',
    at: new Date().toISOString(),
    rejected: desired.rejected(),
  });
  const onResend = (floor: number) => reporter.resend(floor);
  const answers = {
    onResend,
    onConfirmed: () => reporter.confirm(),
    onGeneration: (gen: number) => desired.newestIs(gen),
    onRenew: () => link.renewSoon(),
  };
  stack.use(startHeartbeats({ ...deps, ...answers, compose }, { intervalMs: 250 }));
  const owned = stack.move();
  return { identity, link, desired, reporter, received, stateDir, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function publish(fields: Partial<AssignmentDocument> & { cluster: string; gen: number }): Promise<void> {
  const { documents } = fixture.stores;
  const stored = await documents.find(fields.cluster);
  await documents.publish(documentOf(fixture.transport.authority, fields), stored?.seq ?? 0);
}

function appOf(bundle: string): AssignedApp {
  return {
    app: 'shop',
    ns: 'shop',
    project: 'default',
    revision: 'r',
    bundle,
    vars: {},
    policy: { syncOptions: [] },
    wave: 0,
  };
}

const reported = (fields: Partial<AppStatus> & { app: string }): ReportedStatus => {
  const { v: _v, seq: _seq, ...status } = statusOf(fields);
  return status;
};

describe('a spoke', () => {
  it('gets what was published before it came, and what is published while it is there', async () => {
    await publish({ cluster: 'gets', gen: 1 });
    await using spoke = await startSpoke(await fixture.join('gets'));
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(1));
    await publish({ cluster: 'gets', gen: 2 });
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(2));
    expect(spoke.received.map(({ document, restored }) => [document.gen, restored])).toEqual([
      [1, false],
      [2, false],
    ]);
  });

  it('fetches bundles by digest, takes them from the document, and keeps those of the last three generations', async () => {
    await using spoke = await startSpoke(await fixture.join('bundles'));
    const contents = Array.from({ length: 5 }, (_, index) =>
      Buffer.from(JSON.stringify([{ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: `n${index}` } }])),
    );
    for (const [index, content] of contents.entries()) {
      const bundle = digestOf(content);
      const isInline = index % 2 === 1;
      if (!isInline) await fixture.stores.blobs.put(bundle, content);
      await publish({
        cluster: 'bundles',
        gen: index + 1,
        apps: [appOf(bundle)],
        ...(isInline ? { inline: { [bundle]: formatInline(content) } } : {}),
      });
      await eventually(() => expect(spoke.desired.appliedGen()).toBe(index + 1));
      expect(await spoke.received.at(-1)?.manifests(bundle)).toEqual(JSON.parse(content.toString()));
    }
    const kept = contents.slice(2).map((content) => `${digestOf(content).slice(7)}.gz`);
    await eventually(async () =>
      expect((await readdir(join(spoke.stateDir, 'bundles'))).sort()).toEqual(kept.toSorted()),
    );
    expect(await readdir(join(spoke.stateDir, 'documents'))).toHaveLength(3);
  });

  it('refuses a bundle that is not what its digest says, and says so', async () => {
    const bundle = digestOf(Buffer.from('wanted'));
    const other = Buffer.from('other');
    await fixture.stores.blobs.put(digestOf(other), other);
    const { nats } = fixture.transport;
    const part = await nats.manager.direct.getMessage('BLOBS', {
      last_by_subj: subjects.blobStored(blobName(digestOf(other)), 0),
    });
    await nats.jetstream.publish(subjects.blobStored(blobName(bundle), 0), part?.data);
    await using spoke = await startSpoke(await fixture.join('mismatch'));
    await publish({ cluster: 'mismatch', gen: 1, apps: [appOf(bundle)] });
    await eventually(() => expect(spoke.received).toHaveLength(1));
    await expect(spoke.received[0]?.manifests(bundle)).rejects.toMatchObject({ code: 'DigestMismatch' });
    await eventually(() =>
      expect(fixture.clusters.find('mismatch')?.rejected).toMatchObject({ code: 'DigestMismatch' }),
    );
  });

  it('starts from disk without the hub, and passes over a document that was tampered with', async () => {
    const identity = await fixture.join('disk');
    const first = await startSpoke(identity);
    for (const gen of [1, 2]) {
      await publish({ cluster: 'disk', gen });
      await eventually(() => expect(first.desired.appliedGen()).toBe(gen));
    }
    await first[Symbol.asyncDispose]();
    const offline = { ...membershipOf(identity), natsUrls: ['nats://127.0.0.1:1'] };
    const cutOff: Identity = { ...identity, membership: () => offline, save: async () => {} };
    const [, newest = ''] = (await readdir(join(first.stateDir, 'documents'))).toSorted();
    {
      await using again = await startSpoke(cutOff, first.stateDir);
      expect(again.received.map(({ document, restored }) => [document.gen, restored])).toEqual([[2, true]]);
    }
    await writeFile(join(first.stateDir, 'documents', newest), 'tampered');
    await using again = await startSpoke(cutOff, first.stateDir);
    expect(again.desired.appliedGen()).toBe(1);
  });

  it('takes a store without document for no reason to change anything', async () => {
    const identity = await fixture.join('emptied');
    await using spoke = await startSpoke(identity);
    await publish({ cluster: 'emptied', gen: 4 });
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(4));
    await fixture.transport.nats.manager.streams.purge('DESIRED', { filter: subjects.desired('emptied') });
    expect(await spoke.link.latest(fixture.transport.signal)).toBeUndefined();
    spoke.desired.newestIs(5);
    await publish({ cluster: 'emptied', gen: 5 });
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(5));
    expect(spoke.received.map(({ document }) => document.gen)).toEqual([4, 5]);
  });

  describe('ignores what is forged, and says so', () => {
    const key = createSigningKey();
    const forge = (fields: Partial<AssignmentDocument> & { cluster: string; gen: number }, by?: SigningKey) => {
      const { authority } = fixture.transport;
      const signer = by ?? authority.documentKey;
      return signDocument(documentOf(authority, { ...fields, kid: signer.kid }), signer).envelope;
    };
    let identity: Identity;
    beforeAll(async () => {
      identity = await fixture.join('target');
    });

    it.each([
      ['a document by an unknown key', () => forge({ cluster: 'target', gen: 99 }, key), 'SignatureInvalid'],
      ['a document of another cluster', () => forge({ cluster: 'other', gen: 99 }), 'WrongCluster'],
      ['an old document', () => forge({ cluster: 'target', gen: 1 }), 'GenerationOld'],
      ['noise', () => Buffer.from('{"v":1}\nnoise'), 'Malformed'],
    ])('%s', async (_name, make, code) => {
      const cluster = 'target';
      await using spoke = await startSpoke(identity);
      const gen = ((await fixture.stores.documents.find(cluster))?.document.gen ?? 1) + 1;
      await publish({ cluster, gen });
      await eventually(() => expect(spoke.desired.appliedGen()).toBe(gen));
      fixture.transport.nats.connection.publish(subjects.live(cluster), make());
      await eventually(() => expect(fixture.clusters.find(cluster)?.rejected).toMatchObject({ code }));
      expect(spoke.desired.appliedGen()).toBe(gen);
      expect(spoke.received.at(-1)?.document.gen).toBe(gen);
    });
  });

  it('has the hub record what it says, and sends again what the hub lost', async () => {
    await using spoke = await startSpoke(await fixture.join('reports'));
    await eventually(() => expect(spoke.link.state()).toBe('connected'));
    spoke.reporter.report(reported({ app: 'shop', health: { status: 'Degraded' } }));
    spoke.reporter.report(reported({ app: 'cart' }));
    await eventually(() => expect(fixture.statuses.get('reports/shop')?.health.status).toBe('Degraded'));
    await eventually(() => expect(fixture.statuses.get('reports/cart')?.health.status).toBe('Healthy'));
    const seq = fixture.statuses.get('reports/cart')?.seq ?? 0;
    spoke.reporter.resend(seq + 1_000_000);
    await eventually(() => expect(fixture.statuses.get('reports/cart')?.seq).toBeGreaterThan(seq + 1_000_000));
  });

  it('is seen, with its versions and generation', async () => {
    await publish({ cluster: 'seen', gen: 3 });
    await using spoke = await startSpoke(await fixture.join('seen'));
    await eventually(() =>
      expect(fixture.clusters.find('seen')).toMatchObject({
        state: 'Connected',
        agentVersion: '1.2.3',
        kubernetesVersion: 'v1.36.3',
        generation: 3,
        appliedGeneration: 3,
      }),
    );
    expect(spoke.link.cluster).toBe('seen');
  });

  it('answers a question of the hub, or says why not', async () => {
    await using spoke = await startSpoke(await fixture.join('asked'));
    await eventually(() => expect(spoke.link.state()).toBe('connected'));
    using _ = spoke.link.onCommand(async (command) => {
      const app = command.type === 'diff' ? command.app : '';
      if (app === 'shop') return [{ kind: 'ConfigMap' }];
      throw new Error(`no ${app}`);
    });
    const commands = createCommands(fixture.transport, { timeoutMs: 60_000 });
    const { signal } = fixture.transport;
    expect(await commands.diff('asked', 'shop', signal)).toEqual([{ kind: 'ConfigMap' }]);
    await expect(commands.diff('asked', 'cart', signal)).rejects.toThrow('no cart');
    await expect(
      createCommands(fixture.transport, { timeoutMs: 50 }).diff('nobody', 'shop', signal),
    ).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });
});

describe('after kill -9 of nats-server', () => {
  it('hub and spokes find each other again, and nothing is lost', async () => {
    await publish({ cluster: 'survivor', gen: 1 });
    await using spoke = await startSpoke(await fixture.join('survivor'));
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(1));
    await fixture.transport.server.kill();
    await eventually(() => expect(spoke.link.state()).toBe('disconnected'));
    spoke.reporter.report(reported({ app: 'offline' }));
    await fixture.transport.server.restart();
    await publish({ cluster: 'survivor', gen: 2 });
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(2));
    await eventually(() => expect(fixture.statuses.has('survivor/offline')).toBe(true));
    await eventually(() =>
      expect(fixture.clusters.find('survivor')).toMatchObject({ generation: 2, appliedGeneration: 2 }),
    );
  });
});

describe('after NATS lost all its data', () => {
  it('spokes keep what they have, and the hub goes on above their generation', async () => {
    await using lossy = await startFleetFixture();
    const { transport, stores } = lossy;
    await stores.documents.publish(documentOf(transport.authority, { cluster: 'robbed', gen: 41 }), 0);
    await using spoke = await startSpoke(await lossy.join('robbed'));
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(41));
    await eventually(() => expect(lossy.clusters.find('robbed')).toMatchObject({ appliedGeneration: 41 }));
    await transport.server.kill();
    await rm(join(transport.directory, 'jetstream'), { recursive: true });
    await transport.server.restart();
    await eventually(() => expect(stores.documents.head('robbed')).toBeUndefined());
    await eventually(() => expect(spoke.link.state()).toBe('connected'));
    await eventually(async () => expect(await spoke.link.latest(transport.signal)).toBeUndefined());
    expect(spoke.desired.appliedGen()).toBe(41);
    const appliedGeneration = await eventually(() => {
      const known = lossy.clusters.find('robbed')?.appliedGeneration ?? 0;
      expect(known).toBe(41);
      return known;
    });
    const next = documentOf(transport.authority, { cluster: 'robbed', gen: appliedGeneration + 1 });
    await stores.documents.publish(next, 0);
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(42));
    expect(spoke.received.map(({ document }) => document.gen)).toEqual([41, 42]);
  });
});

describe('a JWT that nears its end', () => {
  it('is renewed while the spoke works on, without a restart', async () => {
    await using short = await startFleetFixture({ jwtLifeMs: 4_000 });
    const identity = await short.join('brief');
    const jwts = new Set([membershipOf(identity).jwt]);
    const save = identity.save.bind(identity);
    const watched: Identity = {
      ...identity,
      save: async (next) => {
        jwts.add(next.jwt);
        await save(next);
      },
    };
    await using spoke = await startSpoke(watched);
    await eventually(() => expect(jwts.size).toBeGreaterThanOrEqual(3));
    await short.stores.documents.publish(documentOf(short.transport.authority, { cluster: 'brief', gen: 1 }), 0);
    await eventually(() => expect(spoke.desired.appliedGen()).toBe(1));
  });

  it('that ended while the spoke was away is renewed with proof of its key', async () => {
    await using short = await startFleetFixture({ jwtLifeMs: 60_000 });
    const identity = await short.join('away');
    const expired = short.transport.authority.mintSpoke('away', identity.key.publicKey, new Date(Date.now() - 1_000));
    await identity.save({ ...membershipOf(identity), jwt: expired });
    await using link = createLink({ identity, logger }, { uid: 'uid-away', maxDelayMs: 100 });
    await eventually(() => expect(link.state()).toBe('connected'));
    expect(membershipOf(identity).jwt).not.toBe(expired);
  });
});
