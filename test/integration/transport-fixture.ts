import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { connect } from '@nats-io/transport-node';
import { type Authority, loadAuthority } from '@wheelhouse/hub/fleet/authority';
import { formatNatsConfig } from '@wheelhouse/hub/fleet/nats-config';
import { createBlobStore } from '@wheelhouse/hub/store/blobs';
import { createDocumentStore } from '@wheelhouse/hub/store/documents';
import { connectHub, type HubNats } from '@wheelhouse/hub/store/nats';
import { ensureStreams } from '@wheelhouse/hub/store/streams';
import { createLogger, type Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { createKeyPair } from '@wheelhouse/shared/protocol/nkeys';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { freePort } from '@wheelhouse/test/support/free-port';
import { type NatsServer, startNats } from '@wheelhouse/test/support/nats';
import { tempDir } from '@wheelhouse/test/support/temp-dir';

export const logger: Logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' });

/** A real nats-server in operator mode with the hub's streams, and the hub's connection to it. */
export interface TransportFixture extends AsyncDisposable {
  authority: Authority;
  server: NatsServer;
  url: string;
  nats: HubNats;
  /** Connected to the system account. */
  systemNats: HubNats;
  signal: AbortSignal;
  directory: string;
}

export async function startTransport(options: { tls?: boolean } = {}): Promise<TransportFixture> {
  const tls = options.tls ?? false;
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await tempDir()).path;
  const authority = await loadAuthority({ directory: join(directory, 'authority'), names: ['127.0.0.1', 'localhost'] });
  const port = await freePort();
  const configText = formatNatsConfig({
    authority,
    listen: `127.0.0.1:${port}`,
    storeDir: join(directory, 'jetstream'),
    tls,
  });
  const server = stack.use(await startNats({ port, configText, dir: join(directory, 'nats') }));
  const stop = new AbortController();
  const url = `${tls ? 'tls' : 'nats'}://127.0.0.1:${port}`;
  const login = { url, name: 'hub', ca: tls ? authority.ca.pem : undefined };
  const nats = stack.use(await connectHub({ logger }, { ...login, user: authority.hubUser() }, stop.signal));
  const systemNats = stack.use(await connectHub({ logger }, { ...login, user: authority.systemUser() }, stop.signal));
  stack.defer(() => stop.abort());
  await ensureStreams({ nats, logger });
  const owned = stack.move();
  return {
    authority,
    server,
    url,
    nats,
    systemNats,
    directory,
    signal: stop.signal,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A NATS client with the real credentials of a spoke, written by hand: what an attacker in a cluster has. */
export async function connectSpoke(fixture: TransportFixture, cluster: string): Promise<NatsConnection> {
  const key = createKeyPair('user');
  const jwt = fixture.authority.mintSpoke(cluster, key.publicKey, new Date(Date.now() + 3_600_000));
  return await connect({
    servers: fixture.url,
    name: cluster,
    inboxPrefix: `_INBOX.${cluster}`,
    authenticator: (nonce) => ({
      jwt,
      nkey: key.publicKey,
      sig: key.sign(Buffer.from(nonce ?? '')).toString('base64url'),
    }),
    timeout: 10_000,
  });
}

export function createStores(fixture: TransportFixture) {
  const blobs = createBlobStore(fixture);
  return { blobs, documents: createDocumentStore({ ...fixture, blobs, logger }, fixture.signal) };
}

export function documentOf(
  authority: Authority,
  fields: Partial<AssignmentDocument> & { cluster: string; gen: number },
): AssignmentDocument {
  return {
    v: 1,
    kid: authority.documentKey.kid,
    issuedAt: new Date().toISOString(),
    apps: [],
    ops: [],
    tombstones: [],
    ...fields,
  };
}

export function statusOf(fields: Partial<AppStatus> & { app: string }): AppStatus {
  return {
    v: 1,
    gen: 1,
    seq: 1,
    revision: 'main',
    bundle: '',
    sync: 'Synced',
    health: { status: 'Healthy' },
    resources: [],
    total: 0,
    conditions: [],
    observedAt: new Date().toISOString(),
    ...fields,
  };
}
