import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createCloneDetector } from '@wheelhouse/hub/fleet/clones';
import { type Clusters, createClusters } from '@wheelhouse/hub/fleet/clusters';
import { createEnrolment, type Enrolment, serveRenewals } from '@wheelhouse/hub/fleet/enrolment';
import { serveHeartbeats, watchPresence } from '@wheelhouse/hub/fleet/presence';
import { createFleetRecords, type FleetRecords } from '@wheelhouse/hub/fleet/records';
import { createTokens, type Tokens } from '@wheelhouse/hub/fleet/tokens';
import { createAuditLog } from '@wheelhouse/hub/store/audit';
import { openBucket } from '@wheelhouse/hub/store/kv';
import { consumeStatus } from '@wheelhouse/hub/store/status-stream';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { enrol } from '@wheelhouse/spoke-agent/link/enrol';
import { type Identity, loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { createStores, logger, startTransport, type TransportFixture } from './transport-fixture.ts';

/** The hub's side of the conversation with spokes, over a real NATS and a real HTTPS server. */
export interface FleetFixture extends AsyncDisposable {
  transport: TransportFixture;
  stores: ReturnType<typeof createStores>;
  records: FleetRecords;
  tokens: Tokens;
  clusters: Clusters;
  /** `https://127.0.0.1:PORT` */
  hubUrl: string;
  /** Newest status by `cluster/app`. */
  statuses: Map<string, AppStatus>;
  /** Has a new agent join, with its identity in a directory of its own. */
  join(cluster: string, options?: { uid?: string; directory?: string }): Promise<Identity>;
}

export async function startFleetFixture(options: { jwtLifeMs?: number; tls?: boolean } = {}): Promise<FleetFixture> {
  await using stack = new AsyncDisposableStack();
  const transport = stack.use(await startTransport(options));
  const { nats, authority, signal } = transport;
  const stores = createStores(transport);
  const now = () => new Date();
  const audit = createAuditLog({ nats, logger, now });
  const records = await createFleetRecords(await openBucket({ nats, logger }, { name: 'fleet' }, signal));
  const presence = watchPresence(
    { nats, logger },
    { onHeartbeat: createCloneDetector({ records, audit, logger, now }) },
    signal,
  );
  const statuses = new Map<string, AppStatus>();
  const onStatus = (cluster: string, status: AppStatus) => void statuses.set(`${cluster}/${status.app}`, status);
  const feed = consumeStatus({ nats, logger }, { onStatus }, signal);
  const head = (cluster: string) => stores.documents.head(cluster);
  serveHeartbeats({ nats, logger, head, feed }, signal);
  const clusters = createClusters({ records, presence, head, audit, now });
  const https = stack.adopt(createServer({ cert: authority.tls.cert, key: authority.tls.key }), (server) => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  const hubUrl = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
  const tokens = createTokens({ records, audit, now }, { hubUrl, caFingerprint: authority.ca.fingerprint });
  const jwtLife = options.jwtLifeMs === undefined ? {} : { jwtLifeMs: options.jwtLifeMs };
  const enrolment = createEnrolment(
    { records, tokens, authority, audit, now },
    { natsUrls: [transport.url], ...jwtLife },
  );
  serveRenewals({ nats, enrolment, logger }, signal);
  https.on('request', (request, response) => void answer(enrolment, request, response));
  let directories = 0;
  const joinFleet: FleetFixture['join'] = async (cluster, { uid = `uid-${cluster}`, directory } = {}) => {
    const identity = await loadIdentity(directory ?? join(transport.directory, `agent-${directories++}`));
    const { token } = await tokens.create({ cluster, labels: { region: 'eu' }, by: 'test' });
    await enrol(identity, { token, uid, agentVersion: '0.0.0' }, signal);
    return identity;
  };
  const owned = stack.move();
  return {
    transport,
    stores,
    records,
    tokens,
    clusters,
    hubUrl,
    statuses,
    join: joinFleet,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function answer(enrolment: Enrolment, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as unknown;
  const task = request.url?.endsWith('/enrol') ? enrolment.enrol(body) : enrolment.renew(body);
  const [status, content] = await task.then(
    (credentials) => [200, credentials] as const,
    (error: unknown) => {
      const { code, message, status } = toFleetError(error);
      return [status, { error: message, reason: code, message }] as const;
    },
  );
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}
