/**
 * How a cluster gets its identity and keeps it: a token once, then renewal over its connection, or over HTTPS with proof
 * of its key when it was away for longer than its JWT lived. The private key never leaves the cluster.
 */
import type { Msg } from '@nats-io/transport-node';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import {
  type Credentials,
  type EnrolRequest,
  enrolProof,
  enrolRequestSchema,
  renewProof,
  renewRequestSchema,
} from '@wheelhouse/shared/protocol/enrolment';
import { isSignedBy } from '@wheelhouse/shared/protocol/nkeys';
import type { z } from 'zod';
import type { AuditLog } from '../store/audit.ts';
import type { HubNats } from '../store/nats.ts';
import type { Authority } from './authority.ts';
import type { ClusterRecord, FleetRecords, TokenRecord } from './records.ts';
import type { Tokens } from './tokens.ts';

export interface Enrolment {
  /** Over HTTPS, unauthenticated: the body is judged here. Throws Malformed, TokenInvalid, Conflict. */
  enrol(request: unknown): Promise<Credentials>;
  /** Over HTTPS, unauthenticated: needs proof of the key. Throws Malformed, Unauthenticated, Forbidden. */
  renew(request: unknown): Promise<Credentials>;
  /** For a cluster that NATS has authenticated. Throws NotFound, Forbidden. */
  renewConnected(cluster: string): Promise<Credentials>;
  caPem(): string;
}

export interface EnrolmentDeps {
  records: FleetRecords;
  tokens: Tokens;
  authority: Pick<Authority, 'mintSpoke' | 'documentKeys' | 'ca'>;
  audit: AuditLog;
  now: () => Date;
}

export interface EnrolmentOptions {
  /** How spokes reach NATS: `tls://host:port`. */
  natsUrls: string[];
  /** Life of a spoke's JWT; default 24 h. */
  jwtLifeMs?: number;
}

const defaultLifeMs = 24 * 3_600_000;
const maxClockSkewMs = 3_600_000;

export function createEnrolment(deps: EnrolmentDeps, options: EnrolmentOptions): Enrolment {
  const { records, tokens, authority, audit, now } = deps;
  const credentialsOf = (record: ClusterRecord): Credentials => {
    const expiresAt = new Date(now().getTime() + (options.jwtLifeMs ?? defaultLifeMs));
    return {
      cluster: record.name,
      jwt: authority.mintSpoke(record.name, record.publicKey, expiresAt),
      expiresAt: expiresAt.toISOString(),
      natsUrls: options.natsUrls,
      ca: authority.ca.pem,
      documentKeys: { ...authority.documentKeys },
    };
  };
  return {
    enrol: async (body) => {
      const request = parse(enrolRequestSchema, body);
      if (!isSignedBy(request.publicKey, enrolProof(request), Buffer.from(request.proof, 'base64url')))
        throw new FleetError('Unauthenticated', 'the enrolling agent does not hold the key that it presents');
      const token = await tokens.redeem(request.tokenId, request.secret, request.publicKey);
      const record = await admit(records, { token, request, at: now().toISOString() });
      await audit.append({
        by: record.name,
        action: 'enrol cluster',
        object: record.name,
        details: { token: token.id },
      });
      return credentialsOf(assertNotCloned(record));
    },
    renew: async (body) => {
      const request = parse(renewRequestSchema, body);
      const record = records.clusters.find(request.cluster);
      if (!record || !isSignedBy(record.publicKey, renewProof(request), Buffer.from(request.proof, 'base64url')))
        throw new FleetError(
          'Unauthenticated',
          `the proof of ${request.cluster} does not match the key that it enrolled with; enrol it anew with a token`,
        );
      assertFresh(request.at, now());
      return credentialsOf(assertNotCloned(record));
    },
    renewConnected: async (cluster) => {
      const record = records.clusters.find(cluster);
      if (!record) throw new FleetError('NotFound', `cluster ${cluster} is not enrolled; enrol it anew with a token`);
      return credentialsOf(assertNotCloned(record));
    },
    caPem: () => authority.ca.pem,
  };
}

/** Answers `fleet.v1.up.<cluster>.renew`; NATS vouches for the name. Replicas share the work. The signal ends it. */
export function serveRenewals(
  deps: { nats: HubNats; enrolment: Enrolment; logger: Logger },
  signal: AbortSignal,
): void {
  const subscription = deps.nats.connection.subscribe('fleet.v1.up.*.renew', {
    queue: 'hub',
    callback: (_error, message) => void answerRenewal(deps, message),
  });
  signal.addEventListener('abort', () => subscription.unsubscribe());
}

async function answerRenewal(deps: { enrolment: Enrolment; logger: Logger }, message: Msg): Promise<void> {
  const cluster = message.subject.split('.')[3] ?? '';
  try {
    message.respond(JSON.stringify(await deps.enrolment.renewConnected(cluster)));
  } catch (error) {
    const { code, message: text } = toFleetError(error);
    deps.logger.warn({ err: error, cluster }, 'renewal refused');
    message.respond(JSON.stringify({ error: { code, message: text } }));
  }
}

interface Admission {
  token: TokenRecord;
  request: EnrolRequest;
  at: string;
}

/** Writes the cluster into the inventory, unless it is there with that key. Throws Conflict, TokenInvalid. */
async function admit(records: FleetRecords, admission: Admission): Promise<ClusterRecord> {
  const { token, request } = admission;
  const known = await records.clusters.read(token.cluster);
  if (known && known.value.publicKey !== request.publicKey) assertMayReplace(token, known.value);
  else if (known && !token.replaces) return known.value;
  const record = recordOf(admission, known?.value);
  await records.clusters.put(record.name, record, known?.revision ?? 0);
  return record;
}

/** A token that was spent before yet another installation came may not bring its key back. */
function assertMayReplace(token: TokenRecord, known: ClusterRecord): void {
  if (!token.replaces)
    throw new FleetError(
      'Conflict',
      `cluster ${known.name} is enrolled with another key; if it was installed anew, make a token with --replace (API: replace: true)`,
    );
  if (Date.parse(token.usedAt ?? '') < Date.parse(known.enrolledAt))
    throw new FleetError(
      'TokenInvalid',
      `cluster ${known.name} was replaced by another installation at ${known.enrolledAt}; make a new token with --replace`,
    );
}

/** A replacement keeps what people set on the cluster it replaces. */
function recordOf({ token, request, at }: Admission, replaced: ClusterRecord | undefined): ClusterRecord {
  return {
    name: token.cluster,
    server: token.server,
    ...(replaced?.project === undefined ? {} : { project: replaced.project }),
    labels: { ...replaced?.labels, ...token.labels },
    annotations: replaced?.annotations ?? {},
    publicKey: request.publicKey,
    uid: request.uid,
    enrolledAt: at,
  };
}

function assertNotCloned(record: ClusterRecord): ClusterRecord {
  if (!record.cloned) return record;
  throw new FleetError(
    'Forbidden',
    `the identity of ${record.name} was used by two installations (at ${record.cloned.at}); enrol it anew with a token that replaces it`,
  );
}

function assertFresh(at: string, now: Date): void {
  if (Math.abs(Date.parse(at) - now.getTime()) <= maxClockSkewMs) return;
  throw new FleetError(
    'Unauthenticated',
    `the agent's clock says ${at}, the hub's ${now.toISOString()}; set the clock`,
  );
}

function parse<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new FleetError('Malformed', `the request of the agent lacks or misuses: ${fields}; is it of another version?`);
}
