import { connect, type NatsConnection } from '@nats-io/transport-node';
import { createSystemAccount } from '@wheelhouse/hub/fleet/system-account';
import { blobName } from '@wheelhouse/shared/protocol/blob';
import { createKeyPair } from '@wheelhouse/shared/protocol/nkeys';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { eventually } from '@wheelhouse/test/support/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectSpoke,
  createStores,
  documentOf,
  startTransport,
  statusOf,
  type TransportFixture,
} from './transport-fixture.ts';

describe('what a spoke may do with its real credentials and a client of its own', () => {
  let fixture: TransportFixture;
  let mine: NatsConnection;
  let victim: NatsConnection;
  let stores: ReturnType<typeof createStores>;

  beforeAll(async () => {
    fixture = await startTransport();
    stores = createStores(fixture);
    await stores.documents.publish(documentOf(fixture.authority, { cluster: 'mine', gen: 1 }), 0);
    await stores.documents.publish(documentOf(fixture.authority, { cluster: 'victim', gen: 7 }), 0);
    mine = await connectSpoke(fixture, 'mine');
    victim = await connectSpoke(fixture, 'victim');
  });

  afterAll(async () => {
    await mine?.close();
    await victim?.close();
    await fixture?.[Symbol.asyncDispose]();
  });

  it('reads its own document', async () => {
    const answer = await mine.request(subjects.get('mine'));
    expect(answer.headers?.get('Nats-Subject')).toBe('fleet.v1.desired.mine.index');
    expect(answer.string()).toMatch(/^\{"v":1,"kid":"[0-9a-f]{16}"/);
  });

  it('is told that a document does not exist', async () => {
    const newcomer = await connectSpoke(fixture, 'newcomer');
    expect((await newcomer.request(subjects.get('newcomer'))).headers?.code).toBe(404);
    await newcomer.close();
  });

  it.each([
    ['read the document of another cluster', subjects.get('victim')],
    ['read documents by wildcard', 'fleet.v1.get.*.index'],
    ['use the JetStream API', '$JS.API.DIRECT.GET.DESIRED.fleet.v1.desired.victim.index'],
    ['list streams', '$JS.API.STREAM.NAMES'],
    ['send a status of another cluster', subjects.status('victim', 'shop')],
    ['send a heartbeat of another cluster', subjects.heartbeat('victim')],
    ['renew another cluster', subjects.renew('victim')],
    ['write a document', subjects.desired('mine')],
    ['send a live message', subjects.live('victim')],
    ['send a command', subjects.command('victim', 'x')],
    ['write a bundle', subjects.blobStored('0'.repeat(64), 0)],
  ])('may not %s', async (_name, subject) => {
    await expect(mine.request(subject, 'x', { timeout: 60_000 })).rejects.toThrow(/permissions violation/i);
  });

  it.each([
    ['live messages of another cluster', subjects.live('victim')],
    ['live messages of all clusters', 'fleet.v1.live.>'],
    ['commands of another cluster', subjects.command('victim', '*')],
    ['replies to another cluster', '_INBOX.victim.>'],
    ['everything', '>'],
  ])('may not subscribe to %s', async (_name, subject) => {
    const refused = Promise.withResolvers<Error>();
    mine.subscribe(subject, { callback: (error) => (error ? refused.resolve(error) : undefined) });
    expect((await refused.promise).message).toMatch(/permissions violation/i);
  });

  it.each([
    ['stored document', subjects.desired('victim')],
    ['stored status', subjects.status('victim', 'shop')],
    ['stored bundle', subjects.blobStored('0'.repeat(64), 0)],
  ])('cannot have the server answer into the %s of another cluster', async (_name, reply) => {
    await victim.request(subjects.status('victim', 'shop'), JSON.stringify(statusOf({ app: 'shop' })));
    const before = await stored(fixture);
    mine.publish(subjects.get('mine'), undefined, { reply });
    mine.publish(subjects.status('mine', 'x'), JSON.stringify(statusOf({ app: 'x' })), { reply });
    // answers come in order on one connection, so these are after the forged ones
    await mine.request(subjects.get('mine'));
    await mine.request(subjects.status('mine', 'y'), JSON.stringify(statusOf({ app: 'y' })));
    expect(await stored(fixture)).toEqual(before);
  });

  it('gets live messages of its own document through the account boundary', async () => {
    const got: string[] = [];
    victim.subscribe(subjects.live('victim'), { callback: (_error, message) => void got.push(message.string()) });
    await victim.flush();
    const { seq } = (await stores.documents.find('victim')) ?? { seq: 0 };
    await stores.documents.publish(documentOf(fixture.authority, { cluster: 'victim', gen: 7 }), seq);
    await eventually(() => expect(got).toHaveLength(1));
    expect(got[0]).toMatch(/^\{"v":1/);
  });

  it('reads a bundle part under the name that spokes use', async () => {
    const content = Buffer.from('[]');
    const digest = 'sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945';
    await stores.blobs.put(digest, content);
    const answer = await mine.request(subjects.blob(blobName(digest), 0));
    expect(answer.headers?.get('Nats-Subject')).toBe(subjects.blobStored(blobName(digest), 0));
  });

  it('is cut off when its JWT ends', async () => {
    const key = createKeyPair('user');
    const jwt = fixture.authority.mintSpoke('mine', key.publicKey, new Date(Date.now() + 5_000));
    const connection = await connect({
      servers: fixture.url,
      reconnect: false,
      authenticator: (nonce) => ({
        jwt,
        nkey: key.publicKey,
        sig: key.sign(Buffer.from(nonce ?? '')).toString('base64url'),
      }),
    });
    expect(String(await connection.closed())).toMatch(/expired/i);
  });
});

/** What the hub keeps of the victim: content, and how often it was written. */
async function stored({ nats }: TransportFixture): Promise<unknown> {
  const { direct, streams } = nats.manager;
  const statuses = await streams.info('STATUS', { subjects_filter: 'fleet.v1.st.*.victim.>' });
  const [status = ''] = Object.keys(statuses.state.subjects ?? {});
  const messages = await Promise.all([
    direct.getMessage('DESIRED', { last_by_subj: subjects.desired('victim') }),
    direct.getMessage('STATUS', { last_by_subj: status }),
  ]);
  const { state } = await streams.info('BLOBS');
  return { messages: messages.map((message) => [message?.seq, message?.string()]), blobs: state.last_seq };
}

describe('who sends most', () => {
  it('is found although others have sent more since they came', async () => {
    await using own = await startTransport();
    await using stack = new AsyncDisposableStack();
    const join = async (name: string) => {
      const connection = await connectSpoke(own, name);
      stack.defer(async () => await connection.close());
      return connection;
    };
    const send = async (connection: NatsConnection, name: string, count: number) => {
      for (let sent = 0; sent < count; sent += 1) connection.publish(subjects.heartbeat(name), '{}');
      await connection.flush();
    };
    for (let index = 0; index < 12; index += 1) await send(await join(`old-${index}`), `old-${index}`, 500);
    const young = await join('young');
    await send(young, 'young', 100);
    const system = createSystemAccount({ nats: own.systemNats });
    const account = own.authority.fleetAccount({ keys: {}, changedAt: 0 }).publicKey;
    const found = await system.busiest(account, 3);
    const holders = await Promise.all(found.map(async ({ id }) => await system.holder(id)));
    expect(holders).toContainEqual({ cluster: 'young', publicKey: expect.stringMatching(/^U[A-Z2-7]{55}$/) });
    await system.disconnect(found[0]?.id ?? '');
    await eventually(async () => expect(await system.holder(found[0]?.id ?? '')).toBeUndefined());
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(found.length).toBeLessThanOrEqual(6);
  });
});
