/**
 * Enrolment tokens: each lets one cluster of a given name join once, with the labels that the token names.
 * The secret is shown once and stored only as a hash.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { assertClusterName } from '@wheelhouse/shared/protocol/cluster-name';
import { formatEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import type { AuditLog } from '../store/audit.ts';
import type { FleetRecords, Stored, TokenRecord } from './records.ts';

export interface TokenRequest {
  cluster: string;
  labels: Record<string, string>;
  /** What `destination.server` shall name it by; `https://<cluster>.wheelhouse.internal` unless given. */
  server?: string;
  /** Default 24 h. */
  expiresInMs?: number;
  /** Lets a new installation take the place of an enrolled cluster; the old key gets no new credentials. */
  replace?: boolean;
  by: string;
}

export type TokenView = Omit<TokenRecord, 'hash' | 'replaces' | 'usedBy' | 'server'>;

export interface Tokens {
  list(): Promise<TokenView[]>;
  /** `token` is the text for the agent, shown this once. Throws Invalid, Conflict. */
  create(request: TokenRequest): Promise<TokenView & { token: string }>;
  /** Throws NotFound. */
  revoke(id: string, by: string): Promise<void>;
  /** Spends a token, once; the same key may come again, in case the answer was lost. Throws TokenInvalid. */
  redeem(id: string, secret: string, publicKey: string): Promise<TokenRecord>;
}

export interface TokenDeps {
  records: FleetRecords;
  audit: AuditLog;
  now: () => Date;
}

export interface TokenOptions {
  /** URL that agents reach the hub under. */
  hubUrl: string;
  /** Absent: the hub's certificate is one that systems trust. */
  caFingerprint?: string;
}

const defaultExpiryMs = 24 * 3_600_000;
/** Tokens are forgotten this long after they ended. */
const keptMs = 7 * 24 * 3_600_000;

export function createTokens(deps: TokenDeps, options: TokenOptions): Tokens {
  const { records, audit, now } = deps;
  return {
    list: async () =>
      records.tokens
        .list()
        .map(viewOf)
        .sort((a, b) => a.createdAt.localeCompare(b.createdAt)),
    create: async (request) => {
      const { cluster, by } = request;
      assertMayEnrol(records, request);
      await forgetOld(deps);
      const secret = randomBytes(32).toString('base64url');
      const record: TokenRecord = {
        id: randomBytes(9).toString('hex'),
        cluster,
        server: request.server ?? `https://${cluster}.wheelhouse.internal`,
        labels: request.labels,
        createdAt: now().toISOString(),
        expiresAt: new Date(now().getTime() + (request.expiresInMs ?? defaultExpiryMs)).toISOString(),
        by,
        hash: hashOf(secret),
        replaces: request.replace ?? false,
      };
      await records.tokens.put(record.id, record, 0);
      await audit.append({ by, action: 'create enrolment token', object: cluster, details: { id: record.id } });
      const ca = options.caFingerprint === undefined ? {} : { ca: options.caFingerprint };
      return { ...viewOf(record), token: formatEnrolmentToken({ hub: options.hubUrl, ...ca, id: record.id, secret }) };
    },
    revoke: async (id, by) => {
      const token = records.tokens.find(id);
      if (!token) throw new FleetError('NotFound', `there is no enrolment token ${id}`);
      await records.tokens.delete(id);
      await audit.append({ by, action: 'revoke enrolment token', object: token.cluster, details: { id } });
    },
    redeem: async (id, secret, publicKey) => {
      const stored = await records.tokens.read(id).catch(() => undefined);
      const token = assertGood(stored, secret);
      if (token.value.usedBy === publicKey) return token.value;
      if (token.value.usedAt)
        throw new FleetError(
          'TokenInvalid',
          `the enrolment token of ${token.value.cluster} was used at ${token.value.usedAt}; make a new one`,
        );
      if (Date.parse(token.value.expiresAt) <= now().getTime())
        throw new FleetError(
          'TokenInvalid',
          `the enrolment token of ${token.value.cluster} expired at ${token.value.expiresAt}; make a new one`,
        );
      const used: TokenRecord = { ...token.value, usedAt: now().toISOString(), usedBy: publicKey };
      await spend(records, used, token.revision);
      return used;
    },
  };
}

function assertMayEnrol(records: FleetRecords, { cluster, replace, labels }: TokenRequest): void {
  assertClusterName(cluster);
  const reserved = Object.keys(labels).find((label) => label.startsWith('wheelhouse.dev/'));
  if (reserved)
    throw new FleetError('Invalid', `label ${reserved} of ${cluster} belongs to the hub; choose another prefix`);
  if (records.clusters.find(cluster) && !replace)
    throw new FleetError(
      'Conflict',
      `cluster ${cluster} is enrolled already; if it was installed anew, make a token with --replace (API: replace: true)`,
    );
}

/** One answer for an unknown token and for a wrong secret. */
function assertGood(stored: Stored<TokenRecord> | undefined, secret: string): Stored<TokenRecord> {
  const hash = Buffer.from(hashOf(secret));
  if (stored && timingSafeEqual(Buffer.from(stored.value.hash), hash)) return stored;
  throw new FleetError(
    'TokenInvalid',
    'the hub does not know this enrolment token; it may have been revoked, make a new one',
  );
}

async function spend(records: FleetRecords, used: TokenRecord, revision: number): Promise<void> {
  try {
    await records.tokens.put(used.id, used, revision);
  } catch (cause) {
    if (!(cause instanceof FleetError) || cause.code !== 'Conflict') throw cause;
    throw new FleetError(
      'TokenInvalid',
      `the enrolment token of ${used.cluster} was used by somebody else just now; make a new one`,
      { cause },
    );
  }
}

async function forgetOld({ records, now }: TokenDeps): Promise<void> {
  const before = now().getTime() - keptMs;
  const old = records.tokens.list().filter((token) => Date.parse(token.expiresAt) < before);
  await Promise.all(old.map((token) => records.tokens.delete(token.id)));
}

function viewOf({ id, cluster, labels, createdAt, expiresAt, by, usedAt }: TokenRecord): TokenView {
  return { id, cluster, labels, createdAt, expiresAt, by, ...(usedAt === undefined ? {} : { usedAt }) };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
