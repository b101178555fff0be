import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { expiryOf, parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import type { Connection } from './connection.ts';
import { changeKey, membershipOf, originOf, parseCredentials, renewWithProof } from './enrol.ts';
import type { Identity, Membership } from './identity.ts';

export interface RenewalDeps {
  identity: Identity;
  logger: Logger;
  connection: Pick<Connection, 'current' | 'during' | 'logInAgain'>;
  random?: () => number;
  now?: () => Date;
}

export interface RenewalOptions {
  uid: string;
  /** The cluster was approved or renamed: the link has to be made anew with the new credentials. */
  onIdentityChanged?: (() => void) | undefined;
}

export interface Renewal {
  /** Renews at once: the hub says that something changed. */
  soon(): void;
}

const requestTimeoutMs = 15_000;
const maxRetryMs = 300_000;
/** However short a JWT lives, and whatever the clock says. */
const minWaitMs = 250;

/**
 * Renews the JWT at a random moment between 50 and 70 % of its life: over the connection while that stands, else over
 * HTTPS with proof of the key. Goes on for as long as the signal allows; a failure leaves the old JWT in use.
 */
export function keepCredentials(deps: RenewalDeps, options: RenewalOptions, signal: AbortSignal): Renewal {
  let hurry = new AbortController();
  void renewAgain(deps, {
    ...options,
    signal,
    wait: async (ms) => {
      hurry = new AbortController();
      await sleep(ms, AbortSignal.any([signal, hurry.signal]));
      return !signal.aborted;
    },
  });
  return { soon: () => hurry.abort() };
}

interface Loop extends RenewalOptions {
  signal: AbortSignal;
  /** False when it is to end. */
  wait(ms: number): Promise<boolean>;
}

async function renewAgain(deps: RenewalDeps, loop: Loop): Promise<void> {
  const { identity, logger, random = Math.random, now = () => new Date() } = deps;
  // a clock that is wrong makes the first renewal early or late, and no other: they count from the answer
  let waitMs = renewalAt(membershipOf(identity).jwt, random()) - now().getTime();
  let attempt = 0;
  while (await loop.wait(Math.max(waitMs, attempt === 0 ? 0 : minWaitMs))) {
    const before = membershipOf(identity);
    try {
      const membership = await renewOnce(deps, loop);
      logger.info({ cluster: membership.cluster, expiresAt: membership.expiresAt }, 'credentials renewed');
      attempt = 0;
      waitMs = Math.max(minWaitMs, lifeOf(membership.jwt) * (0.5 + 0.2 * random()));
      if (membership.cluster !== before.cluster || membership.pending !== before.pending) loop.onIdentityChanged?.();
      // the server knows a connection by the JWT that it logged in with, and would end it with that
      else await deps.connection.logInAgain();
    } catch (error) {
      if (loop.signal.aborted) return;
      attempt += 1;
      waitMs = backoffMs(attempt, { baseMs: 1_000, maxMs: maxRetryMs, random });
      logger.warn({ err: error, cluster: before.cluster }, 'cannot renew credentials; trying again');
    }
  }
}

async function renewOnce(deps: RenewalDeps, { uid, signal }: Loop): Promise<Membership> {
  const { identity, logger, now = () => new Date() } = deps;
  const membership = deps.connection.current()
    ? await renewConnected(identity, deps.connection)
    : await renewWithProof(identity, { uid, now: now() }, signal);
  if (!membership.rekey) return membership;
  // over HTTPS, because the hub ends the connection of the old key before it answers
  const changed = await changeKey(identity, { uid, now: now() }, signal);
  logger.info({ cluster: changed.cluster, publicKey: identity.key.publicKey }, 'key changed');
  return changed;
}

/** When to renew, ms since the epoch; `random` is from 0 to 1. A JWT without end is renewed daily. */
export function renewalAt(jwt: string, random: number): number {
  return parseJwt(jwt).iat * 1000 + lifeOf(jwt) * (0.5 + 0.2 * random);
}

interface Lifetime {
  issuedAt: string;
  expiresAt: string;
}

/** From when until when the JWT of the moment lets its holder in, read once for each; undefined for one without end. */
export function createLifetime(current: () => string): () => Lifetime | undefined {
  let read: { jwt: string; lifetime: Lifetime | undefined } | undefined;
  return () => {
    const jwt = current();
    if (read?.jwt !== jwt) read = { jwt, lifetime: lifetimeOf(jwt) };
    return read.lifetime;
  };
}

function lifetimeOf(jwt: string): Lifetime | undefined {
  const claims = parseJwt(jwt);
  const expiresAt = expiryOf(claims)?.toISOString();
  return expiresAt === undefined ? undefined : { issuedAt: new Date(claims.iat * 1000).toISOString(), expiresAt };
}

function lifeOf(jwt: string): number {
  const claims = parseJwt(jwt);
  const from = claims.iat * 1000;
  return (expiryOf(claims)?.getTime() ?? from + 48 * 3_600_000) - from;
}

async function renewConnected(identity: Identity, connection: Pick<Connection, 'during'>): Promise<Membership> {
  const before = membershipOf(identity);
  const options = { timeout: requestTimeoutMs };
  const message = await connection.during((nats) => nats.request(subjects.renew(before.cluster), undefined, options));
  const answer = message.json<{ error?: { code: ErrorCode; message: string } }>();
  if (answer.error) throw new FleetError(answer.error.code, answer.error.message);
  const membership = { ...parseCredentials(answer), ...originOf(before) };
  await identity.save(membership);
  return membership;
}
