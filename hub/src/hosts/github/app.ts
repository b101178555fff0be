import { createSign } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import { identityOf } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { Target } from '../http/http.ts';

const installationToken = z.object({ token: z.string(), expires_at: z.string() });

/** A token is used until five minutes before it ends. */
const marginMs = 300_000;

/** GitHub: an App signs a JWT with its key and gets a token of one hour for an installation. */
export function appCredential(
  target: Target,
  secret: Record<string, string>,
  access: HostAccess,
): Pick<Target, 'authorization' | 'identity'> {
  const { githubAppID: id, githubAppInstallationID: installation, githubAppPrivateKey: key } = secret;
  if (!id || !installation || !key)
    throw new FleetError(
      'Invalid',
      'appSecretName: the Secret needs githubAppID, githubAppInstallationID and githubAppPrivateKey',
    );
  let known: { token: string; until: number } | undefined;
  return {
    identity: identityOf('github-app', id, installation),
    authorization: async (signal) => {
      if (!known || known.until - marginMs < access.now()) {
        const jwt = signJwt({ id, key, now: access.now() });
        const client = access.http.open(
          { ...target, identity: identityOf('github-app-jwt', id), authorization: () => `Bearer ${jwt}` },
          signal,
        );
        const path = `/app/installations/${encodeURIComponent(installation)}/access_tokens`;
        const { token, expires_at: expiresAt } = await client.get(path, installationToken, { method: 'POST' });
        known = { token, until: Date.parse(expiresAt) };
      }
      return `Bearer ${known.token}`;
    },
  };
}

function signJwt({ id, key, now }: { id: string; key: string; now: number }): string {
  const seconds = Math.floor(now / 1_000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  // a minute back, for clocks that differ
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: seconds - 60, exp: seconds + 540, iss: id })}`;
  try {
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
  } catch (cause) {
    throw new FleetError('Invalid', 'githubAppPrivateKey is not a PEM private key', { cause });
  }
}
