/**
 * How a cluster gets its identity and keeps it: a token once, then renewal over its connection, or over HTTPS with proof
 * of its key when it was away for longer than its JWT lived. The private key never leaves the cluster.
 */
import type { Msg } from '@nats-io/transport-node';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import {
  type Credentials,
  enrolProof,
  enrolRequestSchema,
  renewRequestSchema,
} from '@wheelhouse/shared/protocol/enrolment';
import { isSignedBy } from '@wheelhouse/shared/protocol/nkeys';
import type { z } from 'zod';
import type { AuditLog } from '../store/audit.ts';
import type { HubNats } from '../store/nats.ts';
import { type AdmissionDeps, admit, assertMayJoin } from './admission.ts';
import { type Attempts, unproven } from './attempts.ts';
import type { Authority } from './authority.ts';
import { findCluster } from './former-names.ts';
import { createRateLimit } from './rate-limit.ts';
import type { ClusterRecord, FleetRecords } from './records.ts';
import { proveKey, takeNextKey } from './rekey.ts';
import type { Revocations } from './revocations.ts';
import type { Tokens } from './tokens.ts';

export interface Enrolment {
  /** Over HTTPS, unauthenticated: the body is judged here. Throws Malformed, TokenInvalid, Forbidden, Conflict, IdentityRevoked. */
  enrol(request: unknown): Promise<Credentials>;
  /** Over HTTPS, unauthenticated: needs proof of the key. Throws Malformed, Unauthenticated, IdentityRevoked. */
  renew(request: unknown): Promise<Credentials>;
  /** For a cluster that NATS has authenticated. Throws NotFound, IdentityRevoked. */
  renewConnected(cluster: string): Promise<Credentials>;
  caPem(): string;
}

export interface EnrolmentDeps {
  records: Pick<FleetRecords, 'clusters'>;
  tokens: Pick<Tokens, 'redeem'>;
  imported?: NonNullable<AdmissionDeps['imported']>;
  revocations: Pick<Revocations, 'find' | 'revoke'>;
  authority: Pick<Authority, 'mintSpoke' | 'mintPending' | 'documentKeys' | 'ca'>;
  audit: AuditLog;
  /** Records what was refused. */
  attempts: Attempts;
  now: () => Date;
}

export interface EnrolmentOptions {
  /** How spokes reach NATS: `tls://host:port`. */
  natsUrls: string[];
  /** Life of a spoke's JWT; default 24 h. */
  jwtLifeMs?: number | undefined;
  /** Age at which a key is to be changed; default 30 days. */
  keyLifeMs?: number | undefined;
}

export const defaultJwtLifeMs = 24 * 3_600_000;
const defaultKeyLifeMs = 30 * 24 * 3_600_000;
const maxClockSkewMs = 3_600_000;

export function createEnrolment(deps: EnrolmentDeps, options: EnrolmentOptions): Enrolment {
  const { records, audit, authority, now } = deps;
  const credentialsOf = (record: ClusterRecord) => {
    // the list outlives the record: an older copy of the store brings no key back
    const gone = deps.revocations.find(record.publicKey);
    if (gone)
      throw new FleetError(
        'IdentityRevoked',
        `the key of ${record.name} was revoked at ${gone.at} (${gone.reason}); enrol it anew with a token that replaces it`,
      );
    return mintCredentials(assertNotRevoked(record), { ...deps, ...options });
  };
  return {
    enrol: async (body) => {
      const request = parse(enrolRequestSchema, body);
      if (!isSignedBy(request.publicKey, enrolProof(request), Buffer.from(request.proof, 'base64url')))
        throw new FleetError('Unauthenticated', 'the enrolling agent does not hold the key that it presents');
      const { tokenId: id, secret, publicKey, name, labels } = request;
      const spent = await refusalsRecorded(
        deps,
        { by: unproven.enrolment, action: 'refuse enrolment', object: name ?? `token ${id}` },
        () =>
          deps.tokens.redeem({ id, secret, publicKey, name, labels }, (token, cluster) =>
            assertMayJoin(deps, { token, name: cluster, request }),
          ),
      );
      const record = await admit(deps, { ...spent, request });
      const details = { token: id, uid: record.uid, ...(record.pending ? { pending: true } : {}) };
      await audit.append({ by: record.name, action: 'enrol cluster', object: record.name, details });
      return credentialsOf(record);
    },
    renew: async (body) => {
      const request = parse(renewRequestSchema, body);
      const found = findCluster(records, request.cluster);
      const entry = { action: 'refuse renewal', object: request.cluster };
      const proven = await refusalsRecorded(deps, { ...entry, by: unproven.renewal }, async () =>
        proveKey(found, request),
      );
      return await refusalsRecorded(deps, { ...entry, by: proven.record.name }, async () => {
        assertFresh(request.at, now());
        assertNotRevoked(proven.record);
        return credentialsOf(request.next ? await takeNextKey(deps, proven, request.next) : proven.record);
      });
    },
    renewConnected: async (cluster) => {
      const record = findCluster(records, cluster);
      if (!record) throw new FleetError('NotFound', `cluster ${cluster} is not enrolled; enrol it anew with a token`);
      return credentialsOf(record);
    },
    caPem: () => authority.ca.pem,
  };
}

function mintCredentials(
  record: ClusterRecord,
  context: Pick<EnrolmentDeps, 'authority' | 'now'> & EnrolmentOptions,
): Credentials {
  const { authority, now, natsUrls, jwtLifeMs = defaultJwtLifeMs, keyLifeMs = defaultKeyLifeMs } = context;
  const expiresAt = new Date(now().getTime() + jwtLifeMs);
  const keyedAt = Date.parse(record.keyedAt ?? record.enrolledAt);
  const isAsked = record.rekey !== undefined && Date.parse(record.rekey.at) >= keyedAt;
  const isOld = now().getTime() - keyedAt >= keyLifeMs;
  const mint = record.pending ? authority.mintPending : authority.mintSpoke;
  return {
    cluster: record.name,
    jwt: mint(record.name, record.publicKey, expiresAt),
    expiresAt: expiresAt.toISOString(),
    natsUrls,
    ca: authority.ca.pem,
    documentKeys: { ...authority.documentKeys },
    ...(record.pending ? { pending: true } : {}),
    ...(isAsked || isOld ? { rekey: true } : {}),
    ...(record.formerNames ? { formerNames: record.formerNames } : {}),
  };
}

/** Answers `fleet.v1.up.<cluster>.renew`; NATS vouches for the name. Replicas share the work. The signal ends it. */
export function serveRenewals(
  deps: { nats: HubNats; enrolment: Enrolment; logger: Logger },
  signal: AbortSignal,
): void {
  // an agent asks twice a day
  const isWithinLimit = createRateLimit({ burst: 20, perSecond: 1 });
  const subscription = deps.nats.connection.subscribe('fleet.v1.up.*.renew', {
    queue: 'hub',
    callback: (_error, message) => {
      if (isWithinLimit(message.subject)) void answerRenewal(deps, message);
    },
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

/** What an agent is refused for is recorded with its reason. */
async function refusalsRecorded<T>(
  { attempts }: Pick<EnrolmentDeps, 'attempts'>,
  entry: { by: string; action: string; object: string },
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    const { code, message } = toFleetError(cause);
    attempts.record({ ...entry, details: { reason: message, code } });
    throw cause;
  }
}

export function assertNotRevoked(record: ClusterRecord): ClusterRecord {
  const { name, revoked } = record;
  if (!revoked) return record;
  throw new FleetError(
    'IdentityRevoked',
    `the identity of ${name} was revoked at ${revoked.at} (${revoked.reason}); enrol it anew with a token that replaces it`,
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
