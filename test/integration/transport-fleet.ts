import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Clusters } from '@wheelhouse/hub/fleet/clusters';
import type { Enrolment } from '@wheelhouse/hub/fleet/enrolment';
import { type Fleet, startFleet } from '@wheelhouse/hub/fleet/fleet';
import type { FleetRecords } from '@wheelhouse/hub/fleet/records';
import type { Tokens } from '@wheelhouse/hub/fleet/tokens';
import { createStatuses } from '@wheelhouse/hub/status/statuses';
import type { AuditEntry } from '@wheelhouse/hub/store/audit';
import { openStores, type Stores } from '@wheelhouse/hub/store/open-stores';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { enrol } from '@wheelhouse/spoke-agent/link/enrol';
import { type Identity, loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { readAudit } from '../support/audit.ts';
import { logger, startTransport, type TransportFixture } from './transport-fixture.ts';

/** The hub's side of the conversation with spokes, over a real NATS and a real HTTPS server. */
export interface FleetFixture extends AsyncDisposable {
  transport: TransportFixture;
  fleet: Fleet;
  stores: Stores;
  records: FleetRecords;
  tokens: Tokens;
  clusters: Clusters;
  /** `https://127.0.0.1:PORT` */
  hubUrl: string;
  /** Newest status by `cluster/app`. */
  statuses: Map<string, AppStatus>;
  /** Has a new agent join, with its identity in a directory of its own. */
  join(cluster: string, options?: { uid?: string; directory?: string }): Promise<Identity>;
  /** What was audited so far, as `action object`. */
  audited(): Promise<string[]>;
  /** The same with everything. */
  audit(): Promise<AuditEntry[]>;
}

export interface FleetFixtureOptions {
  jwtLifeMs?: number;
  keyLifeMs?: number;
  tls?: boolean;
  now?: () => Date;
  floodPerSecond?: number;
  /** Cluster of each Application, as far as the hub knows. */
  homes?: Record<string, string>;
}

export async function startFleetFixture(options: FleetFixtureOptions = {}): Promise<FleetFixture> {
  await using stack = new AsyncDisposableStack();
  const transport = stack.use(await startTransport(options));
  const { nats, authority, signal, directory } = transport;
  const now = options.now ?? (() => new Date());
  const stores = await openStores({ nats, logger, authority, sealingKey: Buffer.alloc(32, 1), now }, signal);
  const https = stack.adopt(createServer({ cert: authority.tls.cert, key: authority.tls.key }), (server) => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  const hubUrl = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
  const reported = createStatuses(now);
  const statuses = new Map<string, AppStatus>();
  reported.onChange(({ cluster, status }) => void statuses.set(`${cluster}/${status.app}`, status));
  const fleet = await startFleet(
    {
      nats,
      systemNats: transport.systemNats,
      stores,
      authority,
      statuses: reported,
      planOn: () => undefined,
      rolloutOn: () => undefined,
      namedAfter: () => [],
      clusterOf: (app) => options.homes?.[app],
      logger,
      now,
    },
    {
      hubUrl,
      natsUrls: [transport.url],
      revocationsFile: join(directory, 'revocations.json'),
      natsLog: join(directory, 'nats', 'nats.log'),
      ...options,
    },
    signal,
  );
  https.on('request', (request, response) => void answer(fleet.enrolment, request, response));
  let directories = 0;
  const joinFleet: FleetFixture['join'] = async (cluster, { uid = `uid-${cluster}`, directory: own } = {}) => {
    const identity = await loadIdentity(own ?? join(directory, `agent-${directories++}`));
    const { token } = await fleet.tokens.create({ cluster, labels: { region: 'eu' }, by: 'test' });
    await enrol(identity, { token, uid, agentVersion: '0.0.0' }, signal);
    return identity;
  };
  const owned = stack.move();
  return {
    transport,
    fleet,
    stores,
    records: stores.records,
    tokens: fleet.tokens,
    clusters: fleet.clusters,
    hubUrl,
    statuses,
    join: joinFleet,
    audited: async () => (await readAudit(nats)).map(({ action, object }) => `${action} ${object}`),
    audit: async () => await readAudit(nats),
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
