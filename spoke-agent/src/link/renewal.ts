import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { expiryOf, parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import type { Connection } from './connection.ts';
import { membershipOf, parseCredentials, renewWithProof } from './enrol.ts';
import type { Identity, Membership } from './identity.ts';

export interface RenewalDeps {
  identity: Identity;
  logger: Logger;
  connection: Pick<Connection, 'current' | 'during' | 'logInAgain'>;
  random?: () => number;
  now?: () => Date;
}

const requestTimeoutMs = 15_000;
const maxRetryMs = 300_000;

/**
 * Renews the JWT at a random moment between 50 and 70 % of its life: over the connection while that stands, else over
 * HTTPS with proof of the key. Goes on for as long as the signal allows; a failure leaves the old JWT in use.
 */
export async function keepCredentials(deps: RenewalDeps, options: { uid: string }, signal: AbortSignal): Promise<void> {
  const { identity, logger, random = Math.random, now = () => new Date() } = deps;
  let attempt = 0;
  while (!signal.aborted) {
    const { jwt, cluster } = membershipOf(identity);
    const waitMs =
      attempt === 0
        ? renewalAt(jwt, random()) - now().getTime()
        : backoffMs(attempt, { baseMs: 1_000, maxMs: maxRetryMs, random });
    if (waitMs > 0 && !(await sleep(waitMs, signal))) return;
    try {
      const membership = deps.connection.current()
        ? await renewConnected(identity, deps.connection)
        : await renewWithProof(identity, { uid: options.uid, now: now() }, signal);
      logger.info({ cluster, expiresAt: membership.expiresAt }, 'credentials renewed');
      attempt = 0;
      // the server knows a connection by the JWT that it logged in with, and would end it with that
      await deps.connection.logInAgain();
    } catch (error) {
      if (signal.aborted) return;
      attempt += 1;
      logger.warn({ err: error, cluster }, 'cannot renew credentials; trying again');
    }
  }
}

/** When to renew, ms since the epoch; `random` is from 0 to 1. A JWT without end is renewed daily. */
export function renewalAt(jwt: string, random: number): number {
  const claims = parseJwt(jwt);
  const from = claims.iat * 1000;
  const until = expiryOf(claims)?.getTime() ?? from + 48 * 3_600_000;
  return from + (until - from) * (0.5 + 0.2 * random);
}

async function renewConnected(identity: Identity, connection: Pick<Connection, 'during'>): Promise<Membership> {
  const { cluster, hub, ca } = membershipOf(identity);
  const options = { timeout: requestTimeoutMs };
  const message = await connection.during((nats) => nats.request(subjects.renew(cluster), undefined, options));
  const answer = message.json<{ error?: { code: ErrorCode; message: string } }>();
  if (answer.error) throw new FleetError(answer.error.code, answer.error.message);
  const membership = { ...parseCredentials(answer), ca, hub };
  if (parseJwt(membership.jwt).sub !== identity.key.publicKey)
    throw new FleetError('Unauthenticated', `the hub answered ${cluster} with the credentials of another key`);
  await identity.save(membership);
  return membership;
}
