import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { HttpClient } from '../http/http-client.ts';

interface Place {
  origin: string;
  scope: string;
}

/** Bearer tokens of registries (Docker: token authentication), kept in memory until shortly before they expire. */
export interface Tokens {
  find(place: Place): string | undefined;
  /** Asks the realm that a challenge names, with the login of the registry. */
  obtain(place: Place & { challenge: string }, signal: AbortSignal): Promise<string>;
}

const maxTokens = 1_000;

export function createTokens(http: HttpClient, now: () => number): Tokens {
  const tokens = new Map<string, { token: string; expiresAt: number }>();
  return {
    find: ({ origin, scope }) => {
      const known = tokens.get(`${origin} ${scope}`);
      return known && known.expiresAt > now() ? known.token : undefined;
    },
    obtain: async ({ origin, scope, challenge }, signal) => {
      const url = tokenUrl(challenge, { origin, scope });
      const answer = await http.send({ url: url.href, maxBytes: 1 << 20 }, signal);
      if (answer.status !== 200)
        throw new FleetError(
          'RepositoryAuthentication',
          `registry ${origin} refuses the credentials given (${answer.status} of ${url.origin}); check that they are current and may read it`,
        );
      const body = JSON.parse(answer.body.toString()) as { token?: string; access_token?: string; expires_in?: number };
      const token = body.token ?? body.access_token;
      if (!token) throw new FleetError('RepositoryAuthentication', `registry ${origin} gave no token`);
      if (tokens.size >= maxTokens) tokens.clear();
      const seconds = Math.max((body.expires_in ?? 60) - 10, 0);
      tokens.set(`${origin} ${scope}`, { token, expiresAt: now() + seconds * 1_000 });
      return token;
    },
  };
}

/** A login is sent to another host only over TLS, as the registry that was given it says. */
function tokenUrl(challenge: string, { origin, scope }: Place): URL {
  const realm = parameterOf(challenge, 'realm');
  if (!realm || (!realm.startsWith('https://') && new URL(realm).hostname !== new URL(origin).hostname))
    throw new FleetError(
      'RepositoryAuthentication',
      `registry ${origin} sends logins to ${realm ?? 'nowhere'}, which is not https: refused`,
    );
  const url = new URL(realm);
  url.searchParams.set('scope', parameterOf(challenge, 'scope') ?? scope);
  const service = parameterOf(challenge, 'service');
  if (service) url.searchParams.set('service', service);
  return url;
}

function parameterOf(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="(?<value>[^"]*)"`, 'u').exec(challenge)?.groups?.['value'];
}
