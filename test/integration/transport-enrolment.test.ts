import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAuthority } from '@wheelhouse/hub/fleet/authority';
import { type RenewRequest, renewProof } from '@wheelhouse/shared/protocol/enrolment';
import { formatEnrolmentToken, parseEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { createKeyPair } from '@wheelhouse/shared/protocol/nkeys';
import { enrol, membershipOf, renewWithProof } from '@wheelhouse/spoke-agent/link/enrol';
import { postJson } from '@wheelhouse/spoke-agent/link/hub-client';
import { createIdentity, type Identity, loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { createLink } from '@wheelhouse/spoke-agent/link/link';
import { eventually } from '@wheelhouse/test/support/eventually';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logger } from './transport-fixture.ts';
import { type FleetFixture, startFleetFixture } from './transport-fleet.ts';

let fixture: FleetFixture;
let count = 0;
const installation = { uid: 'uid-1', agentVersion: '0.0.0' };
const signal = new AbortController().signal;
const newIdentity = async (): Promise<Identity> =>
  await loadIdentity(join(fixture.transport.directory, `new-${count++}`));
const newToken = async (cluster: string, options: { expiresInMs?: number; replace?: boolean } = {}) =>
  await fixture.tokens.create({ cluster, labels: { region: 'eu' }, by: 'ann', ...options });

beforeAll(async () => {
  fixture = await startFleetFixture({ tls: true });
});
afterAll(async () => await fixture?.[Symbol.asyncDispose]());

describe('enrolment', () => {
  it('turns a token into an identity that NATS accepts, over TLS under the CA of the token', async () => {
    const identity = await newIdentity();
    expect(fixture.clusters.find('us-east')).toBeUndefined();
    const { token } = await newToken('us-east');
    expect(fixture.clusters.find('us-east')).toMatchObject({ state: 'Expected', labels: { region: 'eu' } });
    await enrol(identity, { ...installation, token }, signal);
    expect(fixture.clusters.find('us-east')).toMatchObject({
      state: 'Connected',
      labels: { region: 'eu' },
      server: 'https://us-east.wheelhouse.internal',
    });
    await using link = createLink({ identity, logger }, { uid: 'uid-1' });
    await eventually(() => expect(link.state()).toBe('connected'));
    expect(await link.latest(signal)).toBeUndefined();
  });

  it('keeps the identity on disk, for its owner only', async () => {
    await using directory = await tempDir();
    const identity = await loadIdentity(directory.path);
    await enrol(identity, { ...installation, token: (await newToken('kept')).token }, signal);
    const again = await loadIdentity(directory.path);
    expect(again.key.publicKey).toBe(identity.key.publicKey);
    expect(again.membership()).toEqual(identity.membership());
    const files = await readdir(join(directory.path, 'identity'));
    const modes = await Promise.all(
      files.map(async (file) => (await stat(join(directory.path, 'identity', file))).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o600]);
  });

  it('may be repeated by the same agent when the answer was lost', async () => {
    const identity = await newIdentity();
    const { token } = await newToken('repeated');
    await enrol(identity, { ...installation, token }, signal);
    await enrol(identity, { ...installation, token }, signal);
    expect(membershipOf(identity).cluster).toBe('repeated');
  });

  it.each([
    [
      'used',
      async () => {
        const { token } = await newToken('used');
        await enrol(await newIdentity(), { ...installation, token }, signal);
        return token;
      },
      /was used at/,
    ],
    ['expired', async () => (await newToken('expired', { expiresInMs: -1 })).token, /expired at/],
    [
      'revoked',
      async () => {
        const { id, token } = await newToken('revoked');
        await fixture.tokens.revoke(id, 'ann');
        return token;
      },
      /does not know this enrolment token/,
    ],
    [
      'with another secret',
      async () => formatEnrolmentToken({ ...parseEnrolmentToken((await newToken('guessed')).token), secret: 'guess' }),
      /does not know this enrolment token/,
    ],
    [
      'unknown',
      async () => formatEnrolmentToken({ ...parseEnrolmentToken((await newToken('unknown')).token), id: 'ffff' }),
      /does not know this enrolment token/,
    ],
    [
      'made to look like a wildcard',
      async () => formatEnrolmentToken({ ...parseEnrolmentToken((await newToken('wild')).token), id: '>' }),
      /does not know this enrolment token/,
    ],
  ])('is refused with a token that is %s', async (_name, make, message) => {
    const token = await make();
    const before = fixture.records.clusters.list();
    const identity = await newIdentity();
    await expect(enrol(identity, { ...installation, token }, signal)).rejects.toMatchObject({
      code: 'TokenInvalid',
      message: expect.stringMatching(message),
    });
    expect(identity.membership()).toBeUndefined();
    expect(fixture.records.clusters.list()).toEqual(before);
  });

  it('of two agents with one token, admits one', async () => {
    const { token } = await newToken('race');
    const agents = [await newIdentity(), await newIdentity()];
    const outcomes = await Promise.allSettled(
      agents.map((identity) => enrol(identity, { ...installation, token }, signal)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('refuses a second installation under one name, unless its token replaces the first', async () => {
    const early = await newToken('twice');
    await fixture.join('twice');
    const late = enrol(await newIdentity(), { ...installation, token: early.token }, signal);
    await expect(late).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringMatching(/enrolled with another key/),
    });
    await expect(newToken('twice')).rejects.toMatchObject({ code: 'Conflict' });
    await fixture.clusters.setLabels('twice', { tier: 'gold' }, 'ann');
    const replacement = await newIdentity();
    const { token } = await newToken('twice', { replace: true });
    await enrol(replacement, { ...installation, token }, signal);
    expect(fixture.records.clusters.find('twice')).toMatchObject({
      publicKey: replacement.key.publicKey,
      labels: { region: 'eu', tier: 'gold' },
    });
  });

  it('does not let a replaced installation come back by the token that it once used', async () => {
    await fixture.join('thrice');
    const [second, third] = [await newIdentity(), await newIdentity()];
    const spent = (await newToken('thrice', { replace: true })).token;
    await enrol(second, { ...installation, token: spent }, signal);
    await enrol(third, { ...installation, token: (await newToken('thrice', { replace: true })).token }, signal);
    await expect(enrol(second, { ...installation, token: spent }, signal)).rejects.toMatchObject({
      code: 'IdentityRevoked',
      message: expect.stringMatching(/another installation took its place/),
    });
    expect(fixture.records.clusters.find('thrice')?.publicKey).toBe(third.key.publicKey);
  });

  it('does not trust another server in the place of the hub', async () => {
    await using directory = await tempDir();
    const stranger = await loadAuthority({ directory: directory.path, names: ['127.0.0.1'] });
    const token = parseEnrolmentToken((await newToken('guarded')).token);
    const forged = formatEnrolmentToken({ ...token, ca: stranger.ca.fingerprint });
    await expect(enrol(await newIdentity(), { ...installation, token: forged }, signal)).rejects.toMatchObject({
      code: 'SignatureInvalid',
      message: expect.stringMatching(/does not come from the CA/),
    });
    expect((await fixture.tokens.list()).find(({ id }) => id === token.id)?.usedAt).toBeUndefined();
  });

  it('stores no secret', async () => {
    const { token, id } = await newToken('secret');
    const { secret } = parseEnrolmentToken(token);
    const stored = JSON.stringify(fixture.records.tokens.find(id));
    expect(stored).not.toContain(secret);
    expect(JSON.stringify(await fixture.tokens.list())).not.toMatch(/hash/);
  });

  it.each([
    ['a name that is a subject', { cluster: 'a.b', labels: {} }, 'Invalid'],
    ['a pattern of two stars', { cluster: 'a**', labels: {} }, 'Invalid'],
    ['a pattern that replaces', { cluster: 'a-*', labels: {}, replace: true }, 'Invalid'],
    ['a label of the hub', { cluster: 'labelled', labels: { 'wheelhouse.dev/x': 'y' } }, 'Forbidden'],
    [
      'a label of the hub to choose',
      { cluster: 'x', labels: {}, allowedLabels: { 'wheelhouse.dev/x': ['*'] } },
      'Forbidden',
    ],
    ['a label to choose without values', { cluster: 'x', labels: {}, allowedLabels: { zone: [] } }, 'Invalid'],
  ])('has no tokens for %s', async (_name, request, code) => {
    await expect(fixture.tokens.create({ ...request, by: 'ann' })).rejects.toMatchObject({ code });
  });
});

describe('renewal with proof of the key', () => {
  it('gives an agent that was away a JWT for the same key', async () => {
    const identity = await fixture.join('away');
    const before = membershipOf(identity).expiresAt;
    const { jwt, expiresAt } = await renewWithProof(identity, { uid: 'uid-away', now: new Date() }, signal);
    expect(expiresAt > before).toBe(true);
    expect(parseJwt(jwt)).toMatchObject({ name: 'away', sub: identity.key.publicKey });
  });

  it.each([
    [
      'another key',
      async (identity: Identity) => createIdentity(createKeyPair('user'), membershipOf(identity)),
      /does not match the key/,
    ],
    [
      'the name of another cluster',
      async (identity: Identity) => {
        await fixture.join(`neighbour-${count}`);
        return createIdentity(identity.key, { ...membershipOf(identity), cluster: `neighbour-${count}` });
      },
      /does not match the key/,
    ],
    [
      'a name that nobody has',
      async (identity: Identity) => createIdentity(identity.key, { ...membershipOf(identity), cluster: 'nobody' }),
      /does not match the key/,
    ],
  ])('is refused with %s', async (_name, forge, message) => {
    const identity = await forge(await fixture.join(`proof-${count++}`));
    await expect(renewWithProof(identity, { uid: 'x', now: new Date() }, signal)).rejects.toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringMatching(message),
    });
  });

  it('is refused with a proof from another time', async () => {
    const identity = await fixture.join('old-proof');
    const claims = { cluster: 'old-proof', uid: 'x', at: '2020-01-01T00:00:00Z' };
    const body: RenewRequest = { ...claims, proof: identity.key.sign(renewProof(claims)).toString('base64url') };
    const url = new URL('/api/v1/fleet/renew', fixture.hubUrl);
    const answer = postJson(url, body, { ca: fixture.transport.authority.ca.pem, signal });
    await expect(answer).rejects.toMatchObject({ message: expect.stringMatching(/set the clock/) });
  });
});

describe('an identity on two installations', () => {
  it('is noticed, and both are shut out until one is enrolled anew', async () => {
    const identity = await fixture.join('copied', { uid: 'original' });
    const copy = createIdentity(identity.key, membershipOf(identity));
    await using original = createLink({ identity, logger }, { uid: 'original', maxDelayMs: 500 });
    await using link = createLink({ identity: copy, logger }, { uid: 'copy', maxDelayMs: 500 });
    await eventually(() => expect([link.state(), original.state()]).toEqual(['connected', 'connected']));
    const heartbeat = {
      v: 1,
      cluster: 'copied',
      uid: 'copy',
      appliedGen: 0,
      statusDigest: '',
      agentVersion: '1',
      kubernetesVersion: '1',
      at: '',
    } as const;
    // it is cut off before the answer, or with it
    await link.heartbeat(heartbeat, signal).catch(() => undefined);
    await eventually(() =>
      expect(fixture.clusters.find('copied')).toMatchObject({ state: 'Revoked', cloned: { uid: 'copy' } }),
    );
    await eventually(() => expect([link.state(), original.state()]).toEqual(['disconnected', 'disconnected']));
    const renewal = renewWithProof(identity, { uid: 'original', now: new Date() }, signal);
    await expect(renewal).rejects.toMatchObject({ code: 'IdentityRevoked' });
    const { token } = await newToken('copied', { replace: true });
    await enrol(identity, { uid: 'original', agentVersion: '0', token }, signal);
    expect(fixture.clusters.find('copied')).toMatchObject({ state: 'Connected' });
    expect(fixture.clusters.find('copied')?.cloned).toBeUndefined();
    await eventually(() => expect(original.state()).toBe('connected'));
    expect(link.state()).not.toBe('connected');
  });
});

describe('labels', () => {
  it('are set and removed, with who did it, by several people at once', async () => {
    await fixture.join('labelled-1');
    await Promise.all([
      fixture.clusters.setLabels('labelled-1', { tier: 'gold' }, 'ann'),
      fixture.clusters.setLabels('labelled-1', { 'example.com/ring': '1', region: null }, 'bob'),
    ]);
    const cluster = fixture.clusters.find('labelled-1');
    expect(cluster?.labels).toEqual({ tier: 'gold', 'example.com/ring': '1' });
    expect(['ann', 'bob']).toContain(cluster?.labelled?.by);
  });

  it.each([
    ['of a cluster that is not enrolled', 'nobody', { a: 'b' }, 'NotFound'],
    ['with a bad name', 'us-east', { 'a b': 'c' }, 'Invalid'],
    ['with a bad value', 'us-east', { a: 'b c' }, 'Invalid'],
    ['that belong to the hub', 'us-east', { 'wheelhouse.dev/a': 'b' }, 'Forbidden'],
  ])('are refused: %s', async (...[, cluster, labels, code]) => {
    await expect(fixture.clusters.setLabels(cluster, labels as Record<string, string>, 'ann')).rejects.toMatchObject({
      code,
    });
  });
});
