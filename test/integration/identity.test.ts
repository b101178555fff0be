import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, type Logger } from '@wheelhouse/shared/logging/logger';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { createKeyPair } from '@wheelhouse/shared/protocol/nkeys';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import { createMemoryCluster } from '@wheelhouse/spoke-agent/cluster/memory/memory';
import { changeKey, enrol, membershipOf, renewWithProof } from '@wheelhouse/spoke-agent/link/enrol';
import { createIdentity, type Identity, loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { createLink, type Link } from '@wheelhouse/spoke-agent/link/link';
import { type Member, startMember } from '@wheelhouse/spoke-agent/member';
import { eventually } from '@wheelhouse/test/support/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, logger, statusOf } from './transport-fixture.ts';
import { type FleetFixture, startFleetFixture } from './transport-fleet.ts';

const signal = new AbortController().signal;
const installation = { uid: 'uid-1', agentVersion: '0.0.0' };
let fixture: FleetFixture;
let count = 0;

beforeAll(async () => {
  fixture = await startFleetFixture();
});
afterAll(async () => await fixture?.[Symbol.asyncDispose]());

const newIdentity = async (): Promise<Identity> =>
  await loadIdentity(join(fixture.transport.directory, `identity-${count++}`));

async function connected(identity: Identity): Promise<Link> {
  const link = createLink({ identity, logger }, { uid: 'uid', maxDelayMs: 300 });
  await eventually(() => expect(link.state()).toBe('connected'));
  return link;
}

/** A whole agent over a simulated cluster. */
async function startAgentOf(identity: Identity, options: { uid?: string; stateDir?: string; log?: Logger } = {}) {
  const { uid = `uid-${membershipOf(identity).cluster}` } = options;
  const stateDir = options.stateDir ?? join(fixture.transport.directory, `state-${count++}`);
  const cluster = createMemoryCluster({}, { uid });
  const info = await cluster.info(signal);
  const link = { maxDelayMs: 300 };
  const member: Member = await startMember(
    { cluster, identity, logger: options.log ?? logger },
    { stateDir, info, agentVersion: '0.0.0', heartbeatMs: 200, link },
  );
  return { cluster, member, stateDir, [Symbol.asyncDispose]: async () => await member[Symbol.asyncDispose]() };
}

describe('a token', () => {
  it('for a pattern lets the agent choose a name and the labels that it allows', async () => {
    const request = { cluster: 'eu-*', labels: { region: 'eu' }, allowedLabels: { zone: ['a', 'b'], rack: ['*'] } };
    const { token } = await fixture.tokens.create({ ...request, by: 'ann' });
    expect(fixture.clusters.find('eu-*')).toBeUndefined();
    const labels = { zone: 'a', rack: '17' };
    await enrol(await newIdentity(), { ...installation, token, name: 'eu-7', labels }, signal);
    expect(fixture.clusters.find('eu-7')).toMatchObject({
      server: 'https://eu-7.wheelhouse.internal',
      labels: { region: 'eu', zone: 'a', rack: '17' },
    });
    const [listed] = (await fixture.tokens.list()).filter(({ cluster }) => cluster === 'eu-*');
    expect(listed).toMatchObject({ usedFor: 'eu-7' });
  });

  it.each([
    ['another name than its own', { cluster: 'exact-1' }, { name: 'other' }, 'Forbidden', /token is for exact-1/],
    ['a name outside its pattern', { cluster: 'us-*' }, { name: 'eu-9' }, 'Forbidden', /token is for us-\*/],
    ['no name for its pattern', { cluster: 'us-*' }, {}, 'Invalid', /--cluster-name/],
    ['a name that is a subject', { cluster: 'us-*' }, { name: 'us-a.b' }, 'Invalid', /must be 1 to 63/],
    ['a label that it does not allow', { cluster: 'exact-2' }, { labels: { tier: 'gold' } }, 'Forbidden', /tier/],
    [
      'a value that it does not allow',
      { cluster: 'exact-3', allowedLabels: { zone: ['a'] } },
      { labels: { zone: 'b' } },
      'Forbidden',
      /may not be "b"/,
    ],
    [
      'a label of the hub',
      { cluster: 'exact-4', allowedLabels: { zone: ['*'] } },
      { labels: { 'wheelhouse.dev/x': 'y' } },
      'Forbidden',
      /wheelhouse\.dev\/x/,
    ],
  ])('is not spent by an agent with %s', async (...[, request, chosen, code, message]) => {
    const { id, token } = await fixture.tokens.create({ labels: {}, by: 'ann', ...request });
    await expect(enrol(await newIdentity(), { ...installation, token, ...chosen }, signal)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect((await fixture.tokens.list()).find((one) => one.id === id)?.usedAt).toBeUndefined();
    await eventually(async () =>
      expect(await fixture.audited()).toContainEqual(expect.stringMatching(/^refuse enrolment/)),
    );
  });

  it('that needs approval admits a cluster that can do nothing until somebody approves it', async () => {
    const { token } = await fixture.tokens.create({ cluster: 'careful', labels: {}, approval: true, by: 'ann' });
    const identity = await newIdentity();
    await enrol(identity, { ...installation, uid: 'uid-careful', token }, signal);
    await fixture.stores.documents.publish(documentOf(fixture.transport.authority, { cluster: 'careful', gen: 1 }), 0);
    await using agent = await startAgentOf(identity);
    await eventually(() => expect(fixture.clusters.find('careful')?.lastSeenAt).toBeDefined());
    expect(fixture.clusters.find('careful')).toMatchObject({ state: 'Pending' });
    expect(fixture.clusters.enrolled().map(({ name }) => name)).not.toContain('careful');
    expect(agent.member.appliedGen()).toBe(0);
    await fixture.fleet.identities.approve('careful', 'ann');
    await eventually(() => expect(agent.member.appliedGen()).toBe(1));
    expect(fixture.clusters.find('careful')).toMatchObject({ state: 'Connected', approved: { by: 'ann' } });
    await expect(fixture.fleet.identities.approve('careful', 'ann')).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('that needs approval: an agent whose disk refuses it at that moment begins as soon as it can', async () => {
    const { token } = await fixture.tokens.create({ cluster: 'unlucky', labels: {}, approval: true, by: 'ann' });
    const identity = await newIdentity();
    await enrol(identity, { ...installation, uid: 'uid-unlucky', token }, signal);
    await fixture.stores.documents.publish(documentOf(fixture.transport.authority, { cluster: 'unlucky', gen: 1 }), 0);
    const stateDir = join(fixture.transport.directory, `state-${count++}`);
    const inTheWay = join(stateDir, 'records');
    await mkdir(stateDir);
    await writeFile(inTheWay, '');
    const lines: string[] = [];
    const log = createLogger({ name: 'test', level: 'error', destination: { write: (line) => void lines.push(line) } });
    await using agent = await startAgentOf(identity, { stateDir, log });
    await eventually(() => expect(fixture.clusters.find('unlucky')?.lastSeenAt).toBeDefined());
    await fixture.fleet.identities.approve('unlucky', 'ann');
    const failures = () => lines.filter((line) => line.includes('cannot go on with the new identity; trying again'));
    await eventually(() => expect(failures().length).toBeGreaterThan(1));
    expect(agent.member.appliedGen()).toBe(0);
    await rm(inTheWay);
    await eventually(() => expect(agent.member.appliedGen()).toBe(1));
    expect(membershipOf(identity).pending).toBeUndefined();
  });
});

describe('a pending cluster with a client of its own', () => {
  it('can read neither its document nor a bundle', async () => {
    const { token } = await fixture.tokens.create({ cluster: 'nosy', labels: {}, approval: true, by: 'ann' });
    const identity = await newIdentity();
    await enrol(identity, { ...installation, token }, signal);
    await using link = await connected(identity);
    await expect(link.latest(signal)).rejects.toThrow(/permissions violation/i);
    await expect(link.blob(`sha256:${'0'.repeat(64)}`, signal)).rejects.toThrow(/permissions violation/i);
  });
});

describe('revocation', () => {
  it('closes the connection at once, and lets nobody in with that key again', async () => {
    const identity = await fixture.join('gone-1');
    await using link = await connected(identity);
    const bystander = await connected(await fixture.join('stays-1'));
    // what a whole connection takes on this machine, as busy as it is with other things
    const before = performance.now();
    await using _other = await connected(await fixture.join('other-1'));
    const tookMs = performance.now() - before;
    const asked = performance.now();
    await fixture.fleet.identities.revoke('gone-1', { by: 'ann', reason: 'stolen laptop' });
    await eventually(() => expect(link.state()).toBe('disconnected'), { intervalMs: 5 });
    expect(performance.now() - asked).toBeLessThan(1_000 + 20 * tookMs);
    expect(bystander.state()).toBe('connected');
    expect(fixture.clusters.find('gone-1')).toMatchObject({
      state: 'Revoked',
      revoked: { by: 'ann', reason: 'stolen laptop' },
    });
    await expect(renewWithProof(identity, { uid: 'x', now: new Date() }, signal)).rejects.toMatchObject({
      code: 'IdentityRevoked',
      message: expect.stringMatching(/stolen laptop.*token that replaces it/),
    });
    await expect(changeKey(identity, { uid: 'x', now: new Date() }, signal)).rejects.toMatchObject({
      code: 'IdentityRevoked',
    });
    await eventually(async () =>
      expect(await fixture.audited()).toEqual(
        expect.arrayContaining(['revoke cluster gone-1', 'refuse renewal gone-1']),
      ),
    );
    await bystander[Symbol.asyncDispose]();
  });

  it('is undone by a token that replaces, made after it, and by no other', async () => {
    const identity = await fixture.join('back-1');
    const early = await fixture.tokens.create({ cluster: 'back-1', labels: {}, replace: true, by: 'ann' });
    await fixture.fleet.identities.revoke('back-1', { by: 'ann', reason: 'test' });
    await expect(enrol(await newIdentity(), { ...installation, token: early.token }, signal)).rejects.toMatchObject({
      code: 'IdentityRevoked',
    });
    await expect(fixture.tokens.create({ cluster: 'back-1', labels: {}, by: 'ann' })).rejects.toMatchObject({
      code: 'Conflict',
    });
    const before = identity.key.publicKey;
    const { token } = await fixture.tokens.create({ cluster: 'back-1', labels: {}, replace: true, by: 'ann' });
    await enrol(identity, { ...installation, token }, signal);
    expect(identity.key.publicKey).not.toBe(before);
    await using link = await connected(identity);
    expect(link.state()).toBe('connected');
    expect(fixture.clusters.find('back-1')).toMatchObject({ state: 'Connected' });
  });

  it('of a key that joined before does not let it join again by the token that it used', async () => {
    const { token } = await fixture.tokens.create({ cluster: 'again-1', labels: {}, by: 'ann' });
    const identity = await newIdentity();
    await enrol(identity, { ...installation, token }, signal);
    await fixture.fleet.departures.remove('again-1', { by: 'ann', removeWorkloads: false });
    await fixture.fleet.departures.settle();
    await eventually(() => expect(fixture.clusters.find('again-1')).toBeUndefined());
    await expect(enrol(identity, { ...installation, token }, signal)).rejects.toMatchObject({
      code: 'IdentityRevoked',
    });
  });
});

describe('the list of revoked keys', () => {
  it('outlives a restart of NATS while no hub answers', async () => {
    await using own = await startFleetFixture();
    const { server, url, systemNats } = own.transport;
    const identity = await own.join('shut-out');
    const other = await own.join('let-in');
    await own.fleet.identities.revoke('shut-out', { by: 'ann', reason: 'test' });
    await systemNats.connection.close();
    await server.kill('SIGKILL');
    await server.restart();
    await using bystander = await connected(other);
    await loginIsRefused(identity, url);
    expect(bystander.state()).toBe('connected');
  });

  it('outlives the loss of everything that NATS held', async () => {
    await using own = await startFleetFixture();
    const { server, directory, url, systemNats } = own.transport;
    const identity = await own.join('shut-out');
    const other = await own.join('let-in');
    await own.fleet.identities.revoke('shut-out', { by: 'ann', reason: 'test' });
    await server.kill('SIGKILL');
    await rm(join(directory, 'jetstream'), { recursive: true });
    await server.restart();
    await using bystander = await connected(other);
    await using link = createLink({ identity, logger }, { uid: 'uid', maxDelayMs: 100 });
    // until the hub is back, a server without memory knows nothing better than the JWT
    await eventually(() => expect(systemNats.isConnected()).toBe(true));
    await eventually(async () => await loginIsRefused(identity, url));
    await eventually(() => expect(link.state()).not.toBe('connected'));
    expect(bystander.state()).toBe('connected');
  });
});

async function loginIsRefused(identity: Identity, url: string): Promise<void> {
  const { connect } = await import('@nats-io/transport-node');
  const attempt = connect({
    servers: url,
    reconnect: false,
    authenticator: (nonce) => ({
      jwt: membershipOf(identity).jwt,
      nkey: identity.key.publicKey,
      sig: identity.key.sign(Buffer.from(nonce ?? '')).toString('base64url'),
    }),
  });
  await expect(attempt.then(async (connection) => await connection.close())).rejects.toThrow(/authorization/i);
}

describe('a key', () => {
  it('is changed while the agent works on, when somebody asks, and the old one is refused', async () => {
    const identity = await fixture.join('rekeyed');
    const old = createIdentity(identity.key, membershipOf(identity));
    await using agent = await startAgentOf(identity);
    await eventually(() => expect(fixture.clusters.find('rekeyed')?.lastSeenAt).toBeDefined());
    await fixture.fleet.identities.requestKey('rekeyed', 'ann');
    await eventually(() => expect(identity.key.publicKey).not.toBe(old.key.publicKey));
    await eventually(() => expect(agent.member.linkState()).toBe('connected'));
    expect(parseJwt(membershipOf(identity).jwt).sub).toBe(identity.key.publicKey);
    expect(fixture.clusters.find('rekeyed')?.rekey).toBeUndefined();
    await loginIsRefused(old, fixture.transport.url);
    await expect(renewWithProof(old, { uid: 'x', now: new Date() }, signal)).rejects.toMatchObject({
      code: 'Unauthenticated',
    });
    await eventually(async () => expect(await fixture.audited()).toContain('change key of cluster rekeyed'));
  });

  it('is changed when it is old, and the agent stays connected', async () => {
    await using own = await startFleetFixture({ jwtLifeMs: 4_000, keyLifeMs: 5_000 });
    const identity = await own.join('aging');
    const keys = new Set([identity.key.publicKey]);
    await using link = createLink({ identity, logger }, { uid: 'uid-aging', maxDelayMs: 300 });
    await eventually(
      () => {
        keys.add(identity.key.publicKey);
        expect(keys.size).toBeGreaterThanOrEqual(3);
      },
      { timeoutMs: 60_000 },
    );
    await eventually(() => expect(link.state()).toBe('connected'));
  });

  it('may be asked for again when the answer was lost', async () => {
    const identity = await fixture.join('unanswered');
    const directory = join(fixture.transport.directory, 'unanswered');
    const kept = await loadIdentity(directory);
    // the same agent, of which the answer to a change of keys never reached the disk
    const deaf: Identity = {
      get key() {
        return identity.key;
      },
      membership: () => identity.membership(),
      nextKey: async () => kept.key,
      save: async () => undefined,
    };
    await changeKey(deaf, { uid: 'x', now: new Date() }, signal);
    const answered = await changeKey(deaf, { uid: 'x', now: new Date() }, signal);
    expect(parseJwt(answered.jwt).sub).toBe(kept.key.publicKey);
  });

  it('is not changed without proof of both', async () => {
    const identity = await fixture.join('guarded');
    const thief = createIdentity(createKeyPair('user'), membershipOf(identity));
    await expect(changeKey(thief, { uid: 'x', now: new Date() }, signal)).rejects.toMatchObject({
      code: 'Unauthenticated',
    });
    expect(fixture.records.clusters.find('guarded')?.publicKey).toBe(identity.key.publicKey);
  });

  it('survives a stop between the two files that it is kept in', async () => {
    await using own = await startFleetFixture();
    const directory = join(own.transport.directory, 'torn');
    const identity = await own.join('torn', { directory });
    const next = await identity.nextKey();
    const { publicKey } = next;
    await changeKey(
      { ...identity, key: identity.key, save: async () => undefined },
      { uid: 'x', now: new Date() },
      signal,
    );
    const again = await loadIdentity(directory);
    expect(again.key.publicKey).toBe(identity.key.publicKey);
    await changeKey(again, { uid: 'x', now: new Date() }, signal);
    expect((await loadIdentity(directory)).key.publicKey).toBe(publicKey);
  });
});

describe('two agents with one identity', () => {
  it('and one uid are noticed when they speak in turns, and both are shut out', async () => {
    const identity = await fixture.join('twins');
    const twin = createIdentity(identity.key, membershipOf(identity));
    await using one = await startAgentOf(identity);
    await using two = await startAgentOf(twin, { uid: 'uid-twins' });
    await eventually(() => expect(fixture.clusters.find('twins')).toMatchObject({ state: 'Revoked' }));
    expect(fixture.clusters.find('twins')?.revoked?.reason).toMatch(/speak in turns/);
    await eventually(() => expect(one.member.linkState()).not.toBe('connected'));
    await eventually(() => expect(two.member.linkState()).not.toBe('connected'));
    await eventually(async () => expect(await fixture.audited()).toContain('stop cloned identity twins'));
  });

  it('are not suspected when an agent is only restarted', async () => {
    const identity = await fixture.join('restarted');
    const seen = () => fixture.clusters.find('restarted')?.lastSeenAt;
    for (let start = 0; start < 3; start += 1) {
      const before = seen();
      await using _agent = await startAgentOf(identity);
      await eventually(() => expect(seen()).not.toBe(before));
    }
    expect(fixture.clusters.find('restarted')).toMatchObject({ state: 'Connected' });
  });
});

describe('clocks that are ten minutes apart', () => {
  it.each([
    ['ahead', 600_000],
    ['behind', -600_000],
  ])('(the agent %s) stop neither enrolment nor renewal, and are shown', async (name, apartMs) => {
    const cluster = `clock-${name}`;
    const identity = await fixture.join(cluster);
    const now = () => new Date(Date.now() + apartMs);
    await renewWithProof(identity, { uid: 'x', now: now() }, signal);
    await changeKey(identity, { uid: 'x', now: now() }, signal);
    await using link = createLink({ identity, logger, now }, { uid: `uid-${cluster}`, maxDelayMs: 300 });
    await eventually(() => expect(link.state()).toBe('connected'));
    await link.heartbeat(heartbeatOf(cluster, now()), signal);
    await eventually(() => expect(fixture.clusters.find(cluster)?.clockSkewMs).toBeDefined());
    expect(Math.round((fixture.clusters.find(cluster)?.clockSkewMs ?? 0) / 60_000)).toBe(apartMs / 60_000);
    expect(fixture.clusters.find(cluster)?.state).toBe('Connected');
    const status = statusOf({ app: cluster, observedAt: now().toISOString() });
    await link.publishStatus(status, { ack: true, signal });
    await eventually(() => expect(fixture.statuses.get(`${cluster}/${cluster}`)).toBeDefined());
    // news of a cluster whose clock is ahead are not younger than they are
    expect(Date.parse(fixture.statuses.get(`${cluster}/${cluster}`)?.observedAt ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('(by more than an hour) end in an error that names both', async () => {
    const identity = await fixture.join('clock-lost');
    const now = new Date(Date.now() + 2 * 3_600_000);
    await expect(renewWithProof(identity, { uid: 'x', now }, signal)).rejects.toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringMatching(/the agent's clock says .*, the hub's .*; set the clock/),
    });
  });

  it('(a day, when the JWT seems to have ended) do not make an agent renew again and again', async () => {
    const identity = await fixture.join('clock-day');
    let renewals = 0;
    const watched: Identity = {
      get key() {
        return identity.key;
      },
      membership: () => identity.membership(),
      nextKey: () => identity.nextKey(),
      save: async (next) => {
        renewals += 1;
        await identity.save(next);
      },
    };
    const now = () => new Date(Date.now() + 26 * 3_600_000);
    await using link = createLink({ identity: watched, logger, now }, { uid: 'uid-clock-day', maxDelayMs: 300 });
    await eventually(() => expect(renewals).toBeGreaterThan(0));
    await eventually(() => expect(link.state()).toBe('connected'));
    // a renewal logs in again, which no request lives through
    for (let beat = 0; beat < 5; beat += 1)
      await eventually(async () => await link.heartbeat(heartbeatOf('clock-day', now()), signal));
    expect(renewals).toBeLessThanOrEqual(2);
  });
});

function heartbeatOf(cluster: string, at: Date): Heartbeat {
  const versions = { agentVersion: '1', kubernetesVersion: '1' };
  return { v: 1, cluster, uid: `uid-${cluster}`, appliedGen: 0, statusDigest: '', ...versions, at: at.toISOString() };
}
