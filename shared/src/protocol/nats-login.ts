import { type BackoffOptions, backoffMs } from '../async/backoff.ts';
import { FleetError } from '../errors/fleet-error.ts';
import type { KeyPair } from './nkeys.ts';

export interface Login {
  jwt: string;
  nkey: string;
  /** base64url of the signature over the server's nonce. */
  sig: string;
}

/** How a client of NATS proves who it is. */
export function formatLogin(jwt: string, key: KeyPair, nonce: string | undefined): Login {
  return { jwt, nkey: key.publicKey, sig: key.sign(Buffer.from(nonce ?? '')).toString('base64url') };
}

export interface ReconnectPolicy {
  /** Options of a NATS connection: tries for ever (the client's default gives up after 10), with this back-off. */
  options: {
    maxReconnectAttempts: number;
    waitOnFirstConnect: boolean;
    ignoreAuthErrorAbort: boolean;
    reconnectDelayHandler: () => number;
    reconnectToServer: <S>(pool: readonly S[]) => { server: S; delay: number } | null;
  };
  /** To be called when a connection stands. */
  connected(): void;
  /** The next attempt is to be made at once (a planned reconnection). */
  expedite(): void;
  /** No more attempts: a connection that was never made fails. */
  stop(): void;
}

/**
 * Back-off between attempts; `firstDelayMs` is waited for before the very first. After a loss the first attempt falls
 * anywhere within `baseMs`, so that a fleet spreads out; each later one waits for at least half of its bound, or whoever
 * failed quickly a few times would stay away for long after the server is back (ADR 0025).
 */
export function createReconnectPolicy(backoff: BackoffOptions, firstDelayMs = 0): ReconnectPolicy {
  let attempt = 0;
  let nextDelayMs: number | undefined = firstDelayMs;
  let stopped = false;
  return {
    options: {
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      ignoreAuthErrorAbort: true,
      reconnectDelayHandler: () => 0,
      reconnectToServer: ([server]) => {
        if (stopped) throw new FleetError('Aborted', 'stopped');
        const delay = nextDelayMs ?? backoffMs(attempt, { ...backoff, least: attempt === 0 ? 0 : 0.5 });
        attempt += 1;
        nextDelayMs = undefined;
        return server ? { server, delay } : null;
      },
    },
    connected: () => {
      attempt = 0;
      nextDelayMs = undefined;
    },
    expedite: () => {
      nextDelayMs = 0;
    },
    stop: () => {
      stopped = true;
    },
  };
}
