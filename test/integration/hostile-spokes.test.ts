import { createConnection } from 'node:net';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import { blobName, parseBlob } from '@wheelhouse/shared/protocol/blob';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { membershipOf } from '@wheelhouse/spoke-agent/link/enrol';
import type { Identity } from '@wheelhouse/spoke-agent/link/identity';
import { createLink, type Link } from '@wheelhouse/spoke-agent/link/link';
import { eventually } from '@wheelhouse/test/support/eventually';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { documentOf, logger, statusOf } from './transport-fixture.ts';
import { type FleetFixture, startFleetFixture } from './transport-fleet.ts';

/** `mine` was enrolled as any cluster; whoever holds its key writes to NATS by hand. `victim` is a neighbour with its real agent's link. */
let fixture: FleetFixture;
let identity: Identity;
let mine: NatsConnection;
let victim: Link;
const signal = new AbortController().signal;
const secret = Buffer.from('[{"kind":"ConfigMap","metadata":{"name":"of-another-project"}}]');

beforeAll(async () => {
  fixture = await startFleetFixture({ homes: { shop: 'victim' }, floodPerSecond: 500 });
  identity = await fixture.join('mine');
  mine = await logIn(identity);
  victim = createLink({ identity: await fixture.join('victim'), logger }, { uid: 'uid-victim', maxDelayMs: 300 });
  const { documents, blobs } = fixture.stores;
  await documents.publish(documentOf(fixture.transport.authority, { cluster: 'mine', gen: 3 }), 0);
  await documents.publish(documentOf(fixture.transport.authority, { cluster: 'victim', gen: 7 }), 0);
  await blobs.put(digestOf(secret), secret);
  await whenTrue(() => victim.state() === 'connected');
  await victim.publishStatus(statusOf({ app: 'shop', gen: 7, seq: 5 }), { ack: true, signal });
  await whenTrue(() => fixture.statuses.get('victim/shop')?.seq === 5);
});

afterAll(async () => {
  await mine?.close();
  await victim?.[Symbol.asyncDispose]();
  await fixture?.[Symbol.asyncDispose]();
});

async function whenTrue(condition: () => boolean): Promise<void> {
  await eventually(() => {
    if (!condition()) throw new Error('not yet');
  });
}

async function logIn(who: Identity, options: { reconnect?: boolean } = {}): Promise<NatsConnection> {
  return await connect({
    servers: fixture.transport.url,
    inboxPrefix: `_INBOX.${membershipOf(who).cluster}`,
    timeout: 60_000,
    ...options,
    authenticator: (nonce) => ({
      jwt: membershipOf(who).jwt,
      nkey: who.key.publicKey,
      sig: who.key.sign(Buffer.from(nonce ?? '')).toString('base64url'),
    }),
  });
}

/** Everything of the victim that somebody might have touched. */
async function stateOfVictim(): Promise<unknown> {
  const { manager } = fixture.transport.nats;
  const { stores, statuses, records } = fixture;
  const blob = await manager.direct.getMessage('BLOBS', {
    last_by_subj: subjects.blobStored(blobName(digestOf(secret)), 0),
  });
  return {
    document: await stores.documents.find('victim'),
    status: statuses.get('victim/shop'),
    record: records.clusters.find('victim'),
    blob: [blob?.seq, blob?.string()],
    blobs: (await manager.streams.info('BLOBS')).state.last_seq,
  };
}

async function inAudit(wanted: { action: string; object?: string; by?: string }, reason = /./): Promise<void> {
  const details = expect.objectContaining({ reason: expect.stringMatching(reason) });
  await eventually(async () =>
    expect(await fixture.audit()).toContainEqual(expect.objectContaining({ ...wanted, details })),
  );
}

describe('subjects of others', () => {
  it.each([
    ['read the document of another', subjects.get('victim')],
    ['read documents by wildcard', 'fleet.v1.get.*.index'],
    ['read by the JetStream API', '$JS.API.DIRECT.GET.DESIRED.fleet.v1.desired.victim.index'],
    ['read many at once', '$JS.API.DIRECT.GET.DESIRED'],
    ['write its document', subjects.desired('victim')],
    ['forge a live message', subjects.live('victim')],
    ['write its status', subjects.status('victim', 'shop')],
    ['speak for it', subjects.heartbeat('victim')],
    ['take its credentials', subjects.renew('victim')],
    ['answer for it', subjects.answer('victim', 'x')],
    ['give it a command', subjects.command('victim', 'x')],
    ['write a bundle', subjects.blobStored(blobName(digestOf(secret)), 0)],
    ['write into its inbox', '_INBOX.victim.x'],
    ['write a record of the hub', '$KV.fleet.cluster.victim'],
    ['change an account', '$SYS.REQ.CLAIMS.UPDATE'],
  ])('cannot be used to %s', async (_name, subject) => {
    const before = await stateOfVictim();
    await expect(mine.request(subject, '{"v":1}', { timeout: 60_000 })).rejects.toThrow(/permissions violation/i);
    expect(await stateOfVictim()).toEqual(before);
    await inAudit({ action: 'refuse publish', object: subject, by: 'mine' });
  });

  it.each([
    ['the live messages of another', subjects.live('victim')],
    ['the commands of another', subjects.command('victim', '*')],
    ['the inbox of another', '_INBOX.victim.>'],
    ['what others report', 'fleet.v1.up.>'],
    ['everything', '>'],
  ])('cannot be subscribed to: %s', async (_name, subject) => {
    const refused = Promise.withResolvers<Error>();
    mine.subscribe(subject, { callback: (error) => (error ? refused.resolve(error) : undefined) });
    expect((await refused.promise).message).toMatch(/permissions violation/i);
    await inAudit({ action: 'refuse subscribe', object: subject, by: 'mine' });
  });
});

describe('a bundle of another project', () => {
  it('is not to be had by a wildcard: what comes tells neither name nor content', async () => {
    const answer = await mine.request('fleet.v1.blob.*.0', undefined, { timeout: 60_000 });
    const told = `${answer.headers?.get('Nats-Subject')} ${answer.data.toString()}`;
    expect(told).not.toContain(digestOf(secret).slice(7, 23));
    expect(told).not.toContain('of-another-project');
    // not even with the subject that the answer came from in the place of the digest
    const name = answer.headers?.get('Nats-Subject')?.split('.')[3] ?? '';
    await expect(parseBlob(`sha256:${name}`, [answer.data])).rejects.toMatchObject({ code: 'DigestMismatch' });
  });

  it('is there for whom a document told the digest', async () => {
    expect((await victim.blob(digestOf(secret), signal)).equals(secret)).toBe(true);
  });
});

describe('reply subjects', () => {
  it.each([
    ['the stored document', subjects.desired('victim')],
    ['the stored status', subjects.status('victim', 'shop')],
    ['a stored bundle', subjects.blobStored('0'.repeat(64), 0)],
    ['a record', '$KV.fleet.cluster.victim'],
    ['the audit', 'fleet.v1.audit'],
  ])('do not let the server or the hub answer into %s', async (_name, reply) => {
    const before = await stateOfVictim();
    for (const subject of [subjects.get('mine'), subjects.heartbeat('mine'), subjects.renew('mine')])
      mine.publish(subject, heartbeat(), { reply });
    mine.publish(subjects.status('mine', 'x'), JSON.stringify(statusOf({ app: 'x' })), { reply });
    // answers come in order on one connection, so these are after the forged ones
    await mine.request(subjects.get('mine'));
    await mine.request(subjects.status('mine', 'y'), JSON.stringify(statusOf({ app: 'y' })));
    await fixture.transport.nats.connection.flush();
    expect(await stateOfVictim()).toEqual(before);
  });
});

const heartbeat = (fields: object = {}) =>
  JSON.stringify({
    v: 1,
    cluster: 'mine',
    uid: 'uid-mine',
    appliedGen: 3,
    statusDigest: '',
    agentVersion: '1',
    kubernetesVersion: '1',
    at: new Date().toISOString(),
    ...fields,
  });

describe('forged reports under its own name', () => {
  // silence for 90 s would make them Stale, and what came before took as long as it took
  beforeEach(async () => {
    const lastSeen = () => ['mine', 'victim'].map((name) => fixture.clusters.find(name)?.lastSeenAt);
    const before = lastSeen();
    mine.publish(subjects.heartbeat('mine'), heartbeat());
    await victim.heartbeat(JSON.parse(heartbeat({ cluster: 'victim', uid: 'uid-victim' })), signal);
    await whenTrue(() => lastSeen().every((at, index) => at !== before[index]));
  });
  const send = async (subject: string, text: string) => void (await mine.request(subject, text, { timeout: 60_000 }));

  it('for an Application of another cluster say nothing of that one', async () => {
    const forged = statusOf({ app: 'shop', gen: 3, seq: 9, health: { status: 'Degraded' } });
    const before = await stateOfVictim();
    await send(subjects.status('mine', 'shop'), JSON.stringify(forged));
    await inAudit({ action: 'suspect status', object: 'shop', by: 'mine' }, /Application of victim/);
    expect(await stateOfVictim()).toEqual(before);
  });

  it('of a generation that there is not are noticed', async () => {
    await send(subjects.status('mine', 'future'), JSON.stringify(statusOf({ app: 'future', gen: 4_000, seq: 1 })));
    await inAudit({ action: 'suspect status', object: 'future', by: 'mine' }, /generation 4000/);
    expect(fixture.clusters.find('mine')?.state).toBe('Connected');
  });

  it.each([
    [
      'under the name of another Application',
      subjects.status('mine', 'a'),
      JSON.stringify(statusOf({ app: 'b' })),
      /b was sent under .*\.a$/,
    ],
    ['by a wildcard', 'fleet.v1.up.mine.status.*', JSON.stringify(statusOf({ app: '*' })), /sent under .*\*$/],
    ['that are no status', subjects.status('mine', 'a'), '{"app":"a","resources":{"__proto__":1}}', /status/],
    ['that are no JSON', subjects.status('mine', 'a'), '\u0000', /JSON/],
  ])('%s are refused', async (...[, subject, text, reason]) => {
    const before = [...fixture.statuses.keys()].length;
    await send(subject, text);
    await inAudit({ action: 'refuse report', object: 'mine', by: 'mine' }, reason);
    expect([...fixture.statuses.keys()].length).toBe(before);
  });

  it('replayed, older than what is known, change nothing', async () => {
    const old = statusOf({ app: 'replayed', gen: 3, seq: 1, health: { status: 'Healthy' } });
    await send(subjects.status('mine', 'replayed'), JSON.stringify(old));
    await send(subjects.status('mine', 'replayed'), JSON.stringify({ ...old, seq: 2, health: { status: 'Degraded' } }));
    await eventually(() => expect(fixture.statuses.get('mine/replayed')?.seq).toBe(2));
    await send(subjects.status('mine', 'replayed'), JSON.stringify(old));
    await inAudit({ action: 'refuse report', object: 'mine', by: 'mine' }, /replayed that is older/);
    expect(fixture.statuses.get('mine/replayed')?.health.status).toBe('Degraded');
  });

  it.each([
    ['in the name of another', heartbeat({ cluster: 'victim' }), /in the name of victim/],
    ['of a generation that cannot be', heartbeat({ appliedGen: Number.MAX_SAFE_INTEGER }), /appliedGen/],
    ['that are no heartbeat', '[]', /expected object/],
  ])('heartbeats %s are refused', async (_name, text, reason) => {
    const before = fixture.clusters.find('mine')?.appliedGeneration;
    mine.publish(subjects.heartbeat('mine'), text);
    await mine.flush();
    await inAudit({ action: 'refuse report', object: 'mine', by: 'mine' }, reason);
    expect(fixture.clusters.find('mine')?.appliedGeneration).toBe(before);
    expect(fixture.clusters.find('victim')?.state).toBe('Connected');
  });

  it('with headers of JetStream are stored as what they are, under its own name', async () => {
    const carried = headers();
    carried.set('Nats-Rollup', 'all');
    carried.set('Nats-Msg-Id', 'victim.8.x');
    const before = await stateOfVictim();
    mine.publish(subjects.status('mine', 'x'), JSON.stringify(statusOf({ app: 'x', seq: 3 })), { headers: carried });
    await mine.flush();
    await mine.request(subjects.status('mine', 'y'), JSON.stringify(statusOf({ app: 'y', seq: 3 })));
    expect(await stateOfVictim()).toEqual(before);
  });
});

describe('too much', () => {
  it('in one message ends the connection', async () => {
    const socket = await rawLogin();
    socket.write(`PUB ${subjects.heartbeat('mine')} 3000000\r\n${'x'.repeat(3_000_000)}\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    await inAudit({ action: 'end connection', by: 'mine' });
    expect(victim.state()).toBe('connected');
  });

  it('of subscriptions is refused', async () => {
    await using own = await disposable(logIn(identity));
    const refused = Promise.withResolvers<string>();
    void (async () => {
      for await (const status of own.connection.status())
        if (status.type === 'error') refused.resolve(String(status.error));
    })();
    for (let index = 0; index < 60; index += 1)
      own.connection.subscribe(`fleet.v1.live.mine.${index}`, { callback: () => undefined });
    expect(await refused.promise).toMatch(/maximum subscriptions/i);
  });

  it('of anything in a second costs the connection, and at the third time the key; others are answered meanwhile', async () => {
    const flooder = await fixture.join('flooder');
    const times: number[] = [];
    const beat = async () => {
      const asked = performance.now();
      const reply = await victim.heartbeat(JSON.parse(heartbeat({ cluster: 'victim', uid: 'uid-victim' })), signal);
      expect(reply.gen).toBe(7);
      return performance.now() - asked;
    };
    // what an answer takes on this machine, as busy as it is with other things
    const quiet = await beat();
    const text = heartbeat({ cluster: 'flooder', uid: 'uid-flooder' });
    while (fixture.clusters.find('flooder')?.state !== 'Revoked') {
      await using own = await disposable(logIn(flooder, { reconnect: false }).catch(() => undefined));
      for (let beatAt = 0; own.connection && !own.connection.isClosed(); ) {
        for (let count = 0; count < 4_000; count += 1) own.connection.publish(subjects.heartbeat('flooder'), text);
        // a flush of a connection that ends is never answered
        await Promise.race([own.connection.flush().catch(() => undefined), own.connection.closed()]);
        if (performance.now() - beatAt < 250) continue;
        beatAt = performance.now();
        times.push(await beat());
      }
    }
    expect(fixture.clusters.find('flooder')).toMatchObject({
      state: 'Revoked',
      revoked: { by: 'hub', reason: expect.stringMatching(/flooded the fleet 3 times/) },
    });
    times.sort((a, b) => a - b);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(1_000 + 100 * quiet);
    await inAudit({ action: 'refuse flood', object: 'flooder', by: 'flooder' });
    await inAudit({ action: 'revoke cluster', object: 'flooder', by: 'hub' }, /flooded/);
    await eventually(async () => {
      const attempt = logIn(flooder, { reconnect: false }).then(async (connection) => await connection.close());
      await expect(attempt).rejects.toThrow(/authorization/i);
    });
    await inAudit({ action: 'refuse login', object: 'flooder' });
  });
});

describe('the audit', () => {
  it('holds repetitions as one line', async () => {
    for (let count = 0; count < 50; count += 1)
      await mine.request(subjects.get('often'), undefined, { timeout: 60_000 }).catch(() => undefined);
    await inAudit({ action: 'refuse publish', object: subjects.get('often') });
    const lines = (await fixture.audit()).filter(({ object }) => object === subjects.get('often'));
    expect(lines).toHaveLength(1);
  });
});

async function disposable<T extends NatsConnection | undefined>(opening: Promise<T>) {
  const connection = await opening;
  return { connection, [Symbol.asyncDispose]: async () => await connection?.close() };
}

/** The protocol by hand: a client library would not send what is not allowed. */
async function rawLogin() {
  const { hostname, port } = new URL(fixture.transport.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  const info = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
  const { nonce } = JSON.parse(info.slice(info.indexOf('{'), info.lastIndexOf('}') + 1)) as { nonce: string };
  const login = {
    verbose: false,
    pedantic: false,
    jwt: membershipOf(identity).jwt,
    sig: identity.key.sign(Buffer.from(nonce)).toString('base64url'),
  };
  socket.write(`CONNECT ${JSON.stringify(login)}\r\nPING\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}
