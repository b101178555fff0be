/**
 * Enrolment tokens: each lets one cluster join once, under a given name or one that matches a pattern, with the labels that
 * the token names and those that it lets the agent choose. The secret is shown once and stored only as a hash.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import {
  isClusterPattern,
  matchesClusterPattern,
  whyNotClusterName,
  whyNotClusterPattern,
} from '@wheelhouse/shared/protocol/cluster-name';
import { formatEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import type { AuditLog } from '../store/audit.ts';
import { type AllowedLabels, assertLabelsAllowed } from './allowed-labels.ts';
import { assertLabels } from './metadata.ts';
import type { FleetRecords, Stored, TokenRecord } from './records.ts';
import { assertNameIsFree } from './rename.ts';

export interface TokenRequest {
  /** A name, or a pattern such as `eu-*`, of which the agent chooses one name. */
  cluster: string;
  labels: Record<string, string>;
  /** Labels that the agent may choose: name → values, '*' for any. */
  allowedLabels?: Record<string, string[]>;
  /** What `destination.server` shall name it by; `https://<cluster>.wheelhouse.internal` unless given. */
  server?: string;
  /** Default 24 h. */
  expiresInMs?: number;
  /** Lets a new installation take the place of an enrolled cluster; the old key is revoked. */
  replace?: boolean;
  /** The cluster gets nothing before a person has approved it. */
  approval?: boolean;
  by: string;
}

export type TokenView = Omit<TokenRecord, 'hash' | 'replaces' | 'usedBy' | 'server'>;

export interface Redemption {
  id: string;
  secret: string;
  publicKey: string;
  /** Name that the agent chose. */
  name?: string | undefined;
  labels?: Record<string, string> | undefined;
}

export interface Tokens {
  list(): Promise<TokenView[]>;
  /** `token` is the text for the agent, shown this once. Throws Invalid, Forbidden, Conflict. */
  create(request: TokenRequest): Promise<TokenView & { token: string }>;
  /** Throws NotFound. */
  revoke(id: string, by: string): Promise<void>;
  /**
   * Spends a token, once, unless `check` throws; the same key may come again, in case the answer was lost. Returns it with
   * the cluster's name. Throws TokenInvalid, Forbidden for a name or label that the token does not allow.
   */
  redeem(
    redemption: Redemption,
    check: (token: TokenRecord, name: string) => Promise<void>,
  ): Promise<{ token: TokenRecord; name: string }>;
}

export interface TokenDeps {
  records: Pick<FleetRecords, 'tokens' | 'clusters'>;
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
const forgetEveryMs = 3_600_000;

/** What a key of the bucket may be; ids of tokens are hexadecimal. */
const tokenId = /^[\w-]{1,64}$/;

export function createTokens(deps: TokenDeps, options: TokenOptions): Tokens {
  const { records, audit } = deps;
  let forgottenAt = Number.NEGATIVE_INFINITY;
  return {
    list: async () =>
      records.tokens
        .list()
        .map(viewOf)
        .sort((a, b) => a.createdAt.localeCompare(b.createdAt)),
    create: async (request) => {
      assertMayEnrol(records, request);
      const now = deps.now().getTime();
      if (now - forgottenAt >= forgetEveryMs) {
        forgottenAt = now;
        await forgetOld(deps);
      }
      const secret = randomBytes(32).toString('base64url');
      const record = recordOf(request, { hash: hashOf(secret), now: deps.now() });
      await records.tokens.put(record.id, record, 0);
      await audit.append({
        by: request.by,
        action: 'create enrolment token',
        object: request.cluster,
        details: { ...viewOf(record) },
      });
      const ca = options.caFingerprint === undefined ? {} : { ca: options.caFingerprint };
      return { ...viewOf(record), token: formatEnrolmentToken({ hub: options.hubUrl, ...ca, id: record.id, secret }) };
    },
    revoke: async (id, by) => {
      const token = records.tokens.find(id);
      if (!token)
        throw new FleetError('NotFound', `there is no enrolment token ${id}; see 'wheelhouse cluster tokens'`);
      await records.tokens.delete(id);
      await audit.append({ by, action: 'revoke enrolment token', object: token.cluster, details: { id } });
    },
    redeem: async (redemption, check) => {
      // what cannot be a token's id is not asked of the store; that the store fails is not the token's fault
      const stored = tokenId.test(redemption.id) ? await records.tokens.read(redemption.id) : undefined;
      const found = assertGood(stored, redemption.secret);
      const token = found.value;
      const name = nameFor(token, redemption.name);
      assertLabelsAllowed(name, redemption.labels ?? {}, token.allowedLabels);
      assertLabels(name, redemption.labels ?? {});
      const isRepeated = assertUsable(token, { publicKey: redemption.publicKey, name, now: deps.now() });
      await check(token, name);
      if (isRepeated) return { token, name };
      const used: TokenRecord = {
        ...token,
        usedAt: deps.now().toISOString(),
        usedBy: redemption.publicKey,
        usedFor: name,
      };
      await spend(records, used, found.revision);
      return { token: used, name };
    },
  };
}

function recordOf(request: TokenRequest, { hash, now }: { hash: string; now: Date }): TokenRecord {
  const { cluster, labels, allowedLabels = {}, by } = request;
  const server = request.server ?? (isClusterPattern(cluster) ? undefined : serverOf(cluster));
  return {
    id: randomBytes(9).toString('hex'),
    cluster,
    ...(server === undefined ? {} : { server }),
    labels,
    ...(Object.keys(allowedLabels).length > 0 ? { allowedLabels } : {}),
    ...(request.approval ? { approval: true } : {}),
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + (request.expiresInMs ?? defaultExpiryMs)).toISOString(),
    by,
    hash,
    replaces: request.replace ?? false,
  };
}

/** The address under which a cluster is known when nobody chose one. */
export function serverOf(cluster: string): string {
  return `https://${cluster}.wheelhouse.internal`;
}

function assertMayEnrol(records: TokenDeps['records'], request: TokenRequest): void {
  const { cluster, replace, labels, allowedLabels = {} } = request;
  const reason = whyNotClusterPattern(cluster);
  if (reason) throw new FleetError('Invalid', reason);
  assertLabels(cluster, labels);
  assertAllowedLabels(cluster, allowedLabels);
  if (isClusterPattern(cluster)) {
    if (replace || request.server)
      throw new FleetError(
        'Invalid',
        `a token for ${cluster} neither replaces a cluster nor names its server: give one name`,
      );
  } else if (!records.clusters.find(cluster)) assertNameIsFree(records, cluster);
  else if (!replace)
    throw new FleetError(
      'Conflict',
      `cluster ${cluster} is enrolled already; if it was installed anew, make a token with --replace (API: replace: true)`,
    );
}

function assertAllowedLabels(cluster: string, allowed: AllowedLabels): void {
  for (const [key, values] of Object.entries(allowed)) {
    assertLabels(cluster, { [key]: '' });
    for (const value of values) if (value !== '*') assertLabels(cluster, { [key]: value });
    if (values.length === 0)
      throw new FleetError('Invalid', `label ${key} is allowed without a value: give values, or '*' for any`);
  }
}

/** The name that this token gives to this agent. */
function nameFor(token: TokenRecord, chosen: string | undefined): string {
  if (!isClusterPattern(token.cluster)) {
    if (chosen === undefined || chosen === token.cluster) return token.cluster;
    throw new FleetError('Forbidden', `the agent calls itself ${chosen}, and its token is for ${token.cluster}`);
  }
  if (chosen === undefined)
    throw new FleetError('Invalid', `the token is for ${token.cluster}: start the agent with a name (--cluster-name)`);
  const reason = whyNotClusterName(chosen);
  if (reason) throw new FleetError('Invalid', reason);
  if (matchesClusterPattern(chosen, token.cluster)) return chosen;
  throw new FleetError('Forbidden', `the agent calls itself ${chosen}, and its token is for ${token.cluster}`);
}

/** true when this key has used it already. */
function assertUsable(token: TokenRecord, use: { publicKey: string; name: string; now: Date }): boolean {
  const { publicKey, name, now } = use;
  if (token.usedBy === publicKey && (token.usedFor ?? name) === name) return true;
  if (token.usedAt)
    throw new FleetError(
      'TokenInvalid',
      `the enrolment token of ${token.cluster} was used at ${token.usedAt}; make a new one`,
    );
  if (Date.parse(token.expiresAt) > now.getTime()) return false;
  throw new FleetError(
    'TokenInvalid',
    `the enrolment token of ${token.cluster} expired at ${token.expiresAt}; make a new one`,
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

async function spend(records: TokenDeps['records'], used: TokenRecord, revision: number): Promise<void> {
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

function viewOf({
  hash: _hash,
  replaces: _replaces,
  usedBy: _usedBy,
  server: _server,
  ...shown
}: TokenRecord): TokenView {
  return shown;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
