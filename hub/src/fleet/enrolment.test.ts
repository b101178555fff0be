import { enrolProof, type RenewRequest, renewProof } from '@wheelhouse/shared/protocol/enrolment';
import { parseEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import { createKeyPair, type KeyPair } from '@wheelhouse/shared/protocol/nkeys';
import { describe, expect, it } from 'vitest';
import type { Attempt } from './attempts.ts';
import { createEnrolment } from './enrolment.ts';
import type { ClusterRecord, RevocationRecord, TokenRecord } from './records.ts';
import { createMemoryTable } from './testing/memory-records.ts';
import { createTokens } from './tokens.ts';

const start = Date.parse('2026-11-25T10:00:00Z');

/** Enrolment over tables in memory; `revoking` runs while NATS is told of a key. */
function createFixture() {
  const clusters = createMemoryTable<ClusterRecord>();
  const records = { clusters, tokens: createMemoryTable<TokenRecord>() };
  const revoked = new Map<string, RevocationRecord>();
  const attempts: Attempt[] = [];
  const audit = { append: async () => undefined };
  let time = start;
  const now = () => new Date((time += 1_000));
  const hooks = { revoking: async (_key: string): Promise<void> => undefined };
  const tokens = createTokens({ records, audit, now }, { hubUrl: 'https://hub' });
  const mint = (name: string, publicKey: string) => `jwt of ${name} for ${publicKey}`;
  const enrolment = createEnrolment(
    {
      records,
      tokens,
      audit,
      now,
      attempts: { record: (attempt) => void attempts.push(attempt) },
      authority: { mintSpoke: mint, mintPending: mint, documentKeys: {}, ca: { pem: '', fingerprint: '' } },
      revocations: {
        find: (key) => revoked.get(key),
        revoke: async (entry) => {
          await hooks.revoking(entry.publicKey);
          const at = now().toISOString();
          revoked.set(entry.publicKey, { ...entry, at, until: at });
        },
      },
    },
    { natsUrls: ['nats://hub'] },
  );
  const enrol = async (token: string, key: KeyPair, uid: string) => {
    const { id: tokenId, secret } = parseEnrolmentToken(token);
    const claims = { tokenId, publicKey: key.publicKey, uid };
    const proof = key.sign(enrolProof(claims)).toString('base64url');
    return await enrolment.enrol({ ...claims, secret, agentVersion: '0', proof });
  };
  const token = async (replace: boolean, cluster = 'eu-1') =>
    (await tokens.create({ cluster, labels: {}, replace, by: 'ann' })).token;
  return { clusters, revoked, attempts, enrolment, enrol, token, hooks, now, nowMs: () => time };
}

function renewal(key: KeyPair, cluster: string, now: Date): RenewRequest {
  const claims = { cluster, uid: 'uid-1', at: now.toISOString() };
  return { ...claims, proof: key.sign(renewProof(claims)).toString('base64url') };
}

describe('an installation that takes the place of another', () => {
  it('has the labels that only some Applications see of the one before: these stay where they are', async () => {
    const { clusters, enrol, token } = createFixture();
    await enrol(await token(false), createKeyPair('user'), 'uid-1');
    const appLabels = [{ apps: 'app=cart', labels: { role: 'active' }, at: '2026-11-25T10:00:00Z', by: 'ann' }];
    const stored = await clusters.read('eu-1');
    if (stored) await clusters.put('eu-1', { ...stored.value, appLabels }, stored.revision);
    await enrol(await token(true), createKeyPair('user'), 'uid-2');
    expect(clusters.find('eu-1')).toMatchObject({ uid: 'uid-2', appLabels });
  });

  it('shuts the old key out before it is written into the inventory, and counts from after that', async () => {
    const { clusters, enrol, token, revoked, hooks, nowMs } = createFixture();
    const [old, young] = [createKeyPair('user'), createKeyPair('user')];
    await enrol(await token(false), old, 'uid-1');
    let heldMeanwhile: string | undefined;
    let shutOutAt = 0;
    hooks.revoking = async () => {
      heldMeanwhile = clusters.find('eu-1')?.publicKey;
      shutOutAt = nowMs();
    };
    await enrol(await token(true), young, 'uid-2');
    expect(heldMeanwhile).toBe(old.publicKey);
    expect(revoked.get(old.publicKey)).toMatchObject({ kind: 'replaced' });
    expect(clusters.find('eu-1')).toMatchObject({ publicKey: young.publicKey, uid: 'uid-2' });
    expect(Date.parse(clusters.find('eu-1')?.enrolledAt ?? '')).toBeGreaterThan(shutOutAt);
  });

  it('changes nothing while NATS does not confirm, and succeeds with the same token after that', async () => {
    const { clusters, enrol, token, revoked, hooks } = createFixture();
    const [old, young] = [createKeyPair('user'), createKeyPair('user')];
    await enrol(await token(false), old, 'uid-1');
    const replacing = await token(true);
    hooks.revoking = () => Promise.reject(new Error('nats is away'));
    await expect(enrol(replacing, young, 'uid-2')).rejects.toThrow('nats is away');
    expect(clusters.find('eu-1')).toMatchObject({ publicKey: old.publicKey });
    hooks.revoking = async () => undefined;
    await expect(enrol(replacing, young, 'uid-2')).resolves.toMatchObject({ cluster: 'eu-1' });
    expect(clusters.find('eu-1')).toMatchObject({ publicKey: young.publicKey });
    expect([...revoked.keys()]).toEqual([old.publicKey]);
  });

  it('keeps what somebody changed on the cluster meanwhile', async () => {
    const { clusters, enrol, token, hooks } = createFixture();
    await enrol(await token(false), createKeyPair('user'), 'uid-1');
    hooks.revoking = async () => {
      const stored = await clusters.read('eu-1');
      if (stored) await clusters.put('eu-1', { ...stored.value, annotations: { rack: '7' } }, stored.revision);
      hooks.revoking = async () => undefined;
    };
    const young = createKeyPair('user');
    await enrol(await token(true), young, 'uid-2');
    expect(clusters.find('eu-1')).toMatchObject({ publicKey: young.publicKey, annotations: { rack: '7' } });
  });
});

it.each([false, true])(
  'an answer that was lost is given again, and nothing that people did meanwhile is undone (replacing: %s)',
  async (isReplacing) => {
    const { clusters, enrol, token } = createFixture();
    const key = createKeyPair('user');
    if (isReplacing) await enrol(await token(false), createKeyPair('user'), 'uid-0');
    const used = await token(isReplacing);
    await enrol(used, key, 'uid-1');
    const stored = await clusters.read('eu-1');
    const changed = { labels: { role: 'active' }, approved: { at: '2026-11-25T11:00:00Z', by: 'ann' } };
    if (stored) await clusters.put('eu-1', { ...stored.value, ...changed }, stored.revision);
    await expect(enrol(used, key, 'uid-1')).resolves.toMatchObject({ cluster: 'eu-1' });
    expect(clusters.find('eu-1')).toMatchObject(changed);
  },
);

describe('a key that was revoked', () => {
  // an older copy of the store came back: its record of the cluster knows nothing of it
  it('gets no credentials, whichever way it asks, though the record of its cluster is as it was', async () => {
    const { clusters, enrolment, enrol, token, revoked, now, attempts } = createFixture();
    const key = createKeyPair('user');
    await enrol(await token(false), key, 'uid-1');
    await expect(enrolment.renewConnected('eu-1')).resolves.toMatchObject({ cluster: 'eu-1' });
    await expect(enrolment.renew(renewal(key, 'eu-1', now()))).resolves.toMatchObject({ cluster: 'eu-1' });
    revoked.set(key.publicKey, {
      publicKey: key.publicKey,
      cluster: 'eu-1',
      kind: 'revoked',
      reason: 'the machine was stolen',
      by: 'ann',
      at: now().toISOString(),
      until: now().toISOString(),
    });
    expect(clusters.find('eu-1')).not.toHaveProperty('revoked');
    const refused = {
      code: 'IdentityRevoked',
      message: expect.stringMatching(/the machine was stolen.*enrol it anew/),
    };
    await expect(enrolment.renewConnected('eu-1')).rejects.toMatchObject(refused);
    await expect(enrolment.renew(renewal(key, 'eu-1', now()))).rejects.toMatchObject(refused);
    expect(attempts).toMatchObject([{ action: 'refuse renewal', by: 'eu-1', object: 'eu-1' }]);
  });
});

describe('callers who have proved nothing', () => {
  it('are one originator, whatever names and tokens they give', async () => {
    const { enrolment, attempts, now } = createFixture();
    for (let count = 0; count < 20; count += 1) {
      const key = createKeyPair('user');
      await expect(enrolment.renew(renewal(key, `name-${count}`, now()))).rejects.toMatchObject({
        code: 'Unauthenticated',
      });
      const claims = { tokenId: `t${count}`, publicKey: key.publicKey, uid: 'u' };
      const proof = key.sign(enrolProof(claims)).toString('base64url');
      const request = { ...claims, secret: 'x', agentVersion: '0', proof };
      await expect(enrolment.enrol(request)).rejects.toMatchObject({ code: 'TokenInvalid' });
    }
    expect(new Set(attempts.map(({ by }) => by)).size).toBe(2);
    expect(attempts.slice(0, 2).map(({ object }) => object)).toEqual(['name-0', 'token t0']);
  });

  it('are told from a cluster that proves its key and is refused', async () => {
    const { enrolment, attempts, enrol, token, clusters, now } = createFixture();
    const key = createKeyPair('user');
    await enrol(await token(false), key, 'uid-1');
    const stored = await clusters.read('eu-1');
    const revoked = { at: now().toISOString(), by: 'ann', reason: 'stolen' };
    if (stored) await clusters.put('eu-1', { ...stored.value, revoked }, stored.revision);
    await expect(enrolment.renew(renewal(key, 'eu-1', now()))).rejects.toMatchObject({ code: 'IdentityRevoked' });
    expect(attempts).toMatchObject([{ by: 'eu-1', object: 'eu-1', details: { code: 'IdentityRevoked' } }]);
  });
});

describe('a renewal', () => {
  it('is refused to a revoked key, also where an older copy of the store brought its record back', async () => {
    const { clusters, enrol, token, revoked, enrolment, now } = createFixture();
    const key = createKeyPair('user');
    await enrol(await token(false), key, 'uid-1');
    await expect(enrolment.renew(renewal(key, 'eu-1', now()))).resolves.toMatchObject({ cluster: 'eu-1' });
    const at = now().toISOString();
    const entry = { publicKey: key.publicKey, cluster: 'eu-1', kind: 'revoked', reason: 'stolen', by: 'ann' } as const;
    revoked.set(key.publicKey, { ...entry, at, until: at });
    expect(clusters.find('eu-1')?.revoked).toBeUndefined();
    const refusal = { code: 'IdentityRevoked', message: expect.stringMatching(/stolen.*token that replaces it/) };
    await expect(enrolment.renew(renewal(key, 'eu-1', now()))).rejects.toMatchObject(refusal);
    await expect(enrolment.renewConnected('eu-1')).rejects.toMatchObject(refusal);
  });
});
