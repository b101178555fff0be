import { randomBytes } from 'node:crypto';
import { StorageType } from '@nats-io/jetstream';
import { createAuditLog } from '@wheelhouse/hub/store/audit';
import { openBucket } from '@wheelhouse/hub/store/kv';
import { consumeStatus, consumeStatusOnce } from '@wheelhouse/hub/store/status-stream';
import { ensureStreams } from '@wheelhouse/hub/store/streams';
import { describeBucket } from '@wheelhouse/hub/store/testing/bucket-conformance';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import { blobName } from '@wheelhouse/shared/protocol/blob';
import { createSigningKey, publicHalf } from '@wheelhouse/shared/protocol/document-key';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { statusDigest } from '@wheelhouse/shared/protocol/status-digest';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { eventually } from '@wheelhouse/test/support/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectSpoke,
  createStores,
  documentOf,
  logger,
  startTransport,
  statusOf,
  type TransportFixture,
} from './transport-fixture.ts';

describe("the hub's stores in NATS", () => {
  let fixture: TransportFixture;
  let stores: ReturnType<typeof createStores>;

  beforeAll(async () => {
    fixture = await startTransport();
    stores = createStores(fixture);
  });

  afterAll(async () => await fixture?.[Symbol.asyncDispose]());

  it('are made again without harm, by several replicas at once', async () => {
    await Promise.all([ensureStreams({ ...fixture, logger }), ensureStreams({ ...fixture, logger })]);
    const { config } = await fixture.nats.manager.streams.info('BLOBS');
    expect(config).toMatchObject({
      discard: 'new',
      discard_new_per_subject: true,
      max_msgs_per_subject: 1,
      max_consumers: 200,
    });
  });

  it('keep the last heartbeats when nats-server is killed, and are there before anybody can log in again', async () => {
    await using own = await startTransport();
    const spoke = await connectSpoke(own, 'eu-1');
    spoke.publish(subjects.heartbeat('eu-1'), '{"cluster":"eu-1"}');
    await spoke.flush();
    await spoke.close();
    const { manager, run } = own.nats;
    // as the hub asks: what is asked while the connection is down waits for it
    const last = async () =>
      await run(
        async () => await manager.direct.getMessage('PRESENCE', { last_by_subj: subjects.heartbeat('eu-1') }),
        3,
      );
    const createdAt = async () => (await run(async () => await manager.streams.info('PRESENCE'), 3)).created;
    await eventually(async () => expect((await last())?.string()).toBe('{"cluster":"eu-1"}'));
    const created = await createdAt();
    await own.server.kill();
    await own.server.restart();
    await eventually(async () => expect((await last())?.string()).toBe('{"cluster":"eu-1"}'));
    expect(await createdAt()).toBe(created);
  });

  it('take the place of the stream in memory that earlier versions kept heartbeats in', async () => {
    await using own = await startTransport();
    const { streams } = own.nats.manager;
    const { config } = await streams.info('PRESENCE');
    await streams.delete('PRESENCE');
    await streams.add({ ...config, storage: StorageType.Memory });
    await ensureStreams({ ...own, logger });
    expect((await streams.info('PRESENCE')).config.storage).toBe('file');
    await ensureStreams({ ...own, logger });
  });

  describe('documents', () => {
    it('are published one after the other', async () => {
      const { documents } = stores;
      expect(await documents.find('a')).toBeUndefined();
      const first = await documents.publish(documentOf(fixture.authority, { cluster: 'a', gen: 1 }), 0);
      const second = await documents.publish(documentOf(fixture.authority, { cluster: 'a', gen: 2 }), first);
      expect(await documents.find('a')).toMatchObject({ document: { gen: 2 }, seq: second });
      expect(documents.head('a')).toEqual({ gen: 2, seq: second });
    });

    it.each([
      ['a first one, where there is one', 0],
      ['one that replaces an older one', 1],
    ])('are refused as a conflict: %s', async (_name, expectedSeq) => {
      const { documents } = stores;
      const cluster = `conflict-${expectedSeq}`;
      const seq = await documents.publish(documentOf(fixture.authority, { cluster, gen: 5 }), 0);
      const late = documents.publish(documentOf(fixture.authority, { cluster, gen: 6 }), expectedSeq);
      await expect(late).rejects.toMatchObject({ code: 'Conflict', retryable: true });
      expect(await documents.find(cluster)).toMatchObject({ document: { gen: 5 }, seq });
    });

    it('of two replicas at once, one is published and the other told', async () => {
      const document = (gen: number) => documentOf(fixture.authority, { cluster: 'race', gen });
      const outcomes = await Promise.allSettled([
        stores.documents.publish(document(1), 0),
        stores.documents.publish(document(2), 0),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    });

    it('are found by a replica that starts later, with generation and sequence', async () => {
      const seq = await stores.documents.publish(documentOf(fixture.authority, { cluster: 'late', gen: 3 }), 0);
      const replica = createStores(fixture).documents;
      await replica.loaded();
      expect(replica.head('late')).toEqual({ gen: 3, seq });
      const next = await stores.documents.publish(documentOf(fixture.authority, { cluster: 'late', gen: 4 }), seq);
      await eventually(() => expect(replica.head('late')).toEqual({ gen: 4, seq: next }));
    });

    it('that are large are stored as a page and come back whole', async () => {
      const reason = randomBytes(900_000).toString('base64');
      const document = documentOf(fixture.authority, {
        cluster: 'large',
        gen: 1,
        tombstones: [{ app: 'x', reason, cascade: true }],
      });
      await stores.documents.publish(document, 0);
      const found = await stores.documents.find('large');
      expect(found?.document).toEqual(document);
      expect(await stores.blobs.has(found?.page ?? '')).toBe(true);
    });

    it('signed by another key are not taken for ours', async () => {
      const key = createSigningKey();
      const forger = createStores({
        ...fixture,
        authority: { ...fixture.authority, documentKey: key, documentKeys: { [key.kid]: publicHalf(key) } },
      });
      await forger.documents.publish(documentOf(fixture.authority, { cluster: 'forged', gen: 1, kid: key.kid }), 0);
      await expect(stores.documents.find('forged')).rejects.toMatchObject({ code: 'SignatureInvalid' });
    });
  });

  describe('bundles', () => {
    it.each([
      ['small', 100],
      ['in several parts', 2_000_000],
    ])('are stored once and read back: %s', async (_name, length) => {
      const content = randomBytes(length);
      const digest = digestOf(content);
      expect(await stores.blobs.has(digest)).toBe(false);
      await stores.blobs.put(digest, content);
      await stores.blobs.put(digest, content);
      expect(await stores.blobs.has(digest)).toBe(true);
      expect((await stores.blobs.get(digest)).equals(content)).toBe(true);
    });

    it('are listed by their digests', async () => {
      const contents = Array.from({ length: 3 }, () => randomBytes(100));
      for (const content of contents) await stores.blobs.put(digestOf(content), content);
      const isStored = await stores.blobs.stored();
      expect(contents.map((content) => isStored(digestOf(content)))).toEqual([true, true, true]);
      expect(isStored(digestOf(randomBytes(9)))).toBe(false);
    });

    it('are told by their age, and deleted whole', async () => {
      const before = new Date();
      const [kept, old] = [randomBytes(100), randomBytes(2_000_000)];
      for (const content of [kept, old]) await stores.blobs.put(digestOf(content), content);
      const names = [kept, old].map((content) => blobName(digestOf(content)));
      const listed = async (time: Date) => {
        const found = await stores.blobs.storedBefore(time, fixture.signal);
        return names.map((name) => found.has(name));
      };
      expect(await listed(before)).toEqual([false, false]);
      expect(await listed(new Date(Date.now() + 60_000))).toEqual([true, true]);
      await stores.blobs.delete(blobName(digestOf(old)));
      expect(await listed(new Date(Date.now() + 60_000))).toEqual([true, false]);
      const filter = { subjects_filter: subjects.blobParts(blobName(digestOf(old))) };
      expect((await fixture.nats.manager.streams.info('BLOBS', filter)).state.subjects).toBeUndefined();
      await stores.blobs.put(digestOf(old), old);
      expect((await stores.blobs.get(digestOf(old))).equals(old)).toBe(true);
    });

    it('can never be replaced', async () => {
      const content = randomBytes(100);
      const digest = digestOf(content);
      await stores.blobs.put(digest, content);
      const overwrite = fixture.nats.jetstream.publish(subjects.blobStored(blobName(digest), 0), 'other');
      await expect(overwrite).rejects.toThrow(/maximum messages per subject/);
      expect((await stores.blobs.get(digest)).equals(content)).toBe(true);
    });

    it('are not stored under the digest of others', async () => {
      await expect(stores.blobs.put(digestOf(Buffer.from('a')), Buffer.from('b'))).rejects.toMatchObject({
        code: 'DigestMismatch',
      });
    });

    it('that nobody stored are not found', async () => {
      await expect(stores.blobs.get(digestOf(randomBytes(9)))).rejects.toMatchObject({ code: 'NotFound' });
    });
  });

  describeBucket('NATS', async (name) => await openBucket({ nats: fixture.nats, logger }, { name }, fixture.signal));

  describe('statuses', () => {
    const send = async (cluster: string, status: AppStatus | object) =>
      await fixture.nats.connection.request(
        subjects.status(cluster, (status as AppStatus).app),
        JSON.stringify(status),
      );

    it('reach every replica: the newest of each, then each newer one, never an older one', async () => {
      await send('c1', statusOf({ app: 'shop.v2', gen: 1, seq: 5 }));
      const seen: [string, string, number][] = [];
      const feed = consumeStatus(
        { nats: fixture.nats, logger },
        { onStatus: (cluster, { app, seq }) => void (cluster === 'c1' && seen.push([cluster, app, seq])) },
        fixture.signal,
      );
      await feed.loaded();
      expect(seen).toEqual([['c1', 'shop.v2', 5]]);
      await send('c1', statusOf({ app: 'shop.v2', gen: 1, seq: 4 }));
      await send('c1', { app: 'shop.v2', nonsense: true });
      await send('c1', statusOf({ app: 'shop.v2', gen: 2, seq: 3 }));
      await eventually(() =>
        expect(seen).toEqual([
          ['c1', 'shop.v2', 5],
          ['c1', 'shop.v2', 3],
        ]),
      );
      expect(feed.digest('c1')).toBe(statusDigest([{ app: 'shop.v2', gen: 2, seq: 3 }]));
      expect(feed.highestSeq('c1')).toBe(3);
    });

    it('are dealt with by one replica only, and again when that failed', async () => {
      const dealt: string[] = [];
      let failures = 0;
      const stop = new AbortController();
      const replica = (name: string) =>
        consumeStatusOnce(
          { nats: fixture.nats, logger },
          {
            onStatus: async (cluster, { app }) => {
              if (cluster !== 'once') return;
              if (app === 'a7' && failures++ === 0) throw new Error(`${name} failed`);
              dealt.push(app);
            },
          },
          stop.signal,
        );
      const running = [replica('one'), replica('two')];
      const apps = Array.from({ length: 20 }, (_, index) => `a${index}`);
      await Promise.all(apps.map((app) => send('once', statusOf({ app }))));
      await eventually(() => expect(dealt.toSorted()).toEqual(apps.toSorted()));
      stop.abort();
      await Promise.all(running);
    });
  });

  it('keep who did what', async () => {
    const audit = createAuditLog({ nats: fixture.nats, logger, now: () => new Date('2026-11-23T00:00:00Z') });
    await audit.append({ by: 'ann', action: 'label cluster', object: 'us-east' });
    const stored = await fixture.nats.manager.direct.getMessage('AUDIT', { last_by_subj: 'fleet.v1.audit' });
    expect(stored?.json()).toEqual({
      at: '2026-11-23T00:00:00.000Z',
      by: 'ann',
      action: 'label cluster',
      object: 'us-east',
    });
  });
});
