import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type HttpClient, withoutLogin } from '../http/http-client.ts';

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
      const { token, seconds } = readToken(answer.body, origin);
      if (tokens.size >= maxTokens) tokens.clear();
      tokens.set(`${origin} ${scope}`, { token, expiresAt: now() + seconds * 1_000 });
      return token;
    },
  };
}

/** Docker: `token` or `access_token`, valid for `expires_in` seconds, or for a minute. */
function readToken(body: Buffer, origin: string): { token: string; seconds: number } {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown };
  try {
    answer = Object(JSON.parse(body.toString()));
  } catch {
    // the cause would quote what may be a token
    throw new FleetError(
      'RepositoryAuthentication',
      `registry ${origin} gave no token: what answers for it sends no JSON`,
    );
  }
  const token = answer.token ?? answer.access_token;
  if (typeof token !== 'string' || token === '')
    throw new FleetError('RepositoryAuthentication', `registry ${origin} gave no token`);
  const expires = typeof answer.expires_in === 'number' ? answer.expires_in : 60;
  return { token, seconds: Math.max(expires - 10, 0) };
}

/** A login is sent over TLS only, unless the registry itself has none: then not to another host without it. */
function tokenUrl(challenge: string, { origin, scope }: Place): URL {
  const realm = parameterOf(challenge, 'realm') ?? '';
  const url = URL.parse(realm);
  if (!url || isRefused(url, new URL(origin)))
    throw new FleetError(
      'RepositoryAuthentication',
      `registry ${origin} sends logins to ${url ? withoutLogin(url.href) : 'nowhere'}, which is not https: refused`,
    );
  url.searchParams.set('scope', parameterOf(challenge, 'scope') ?? scope);
  const service = parameterOf(challenge, 'service');
  if (service) url.searchParams.set('service', service);
  return url;
}

function isRefused(realm: URL, registry: URL): boolean {
  if (realm.protocol === 'https:') return false;
  return realm.protocol !== 'http:' || registry.protocol !== 'http:' || realm.hostname !== registry.hostname;
}

function parameterOf(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="(?<value>[^"]*)"`, 'u').exec(challenge)?.groups?.['value'];
}
