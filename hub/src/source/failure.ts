import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Remote } from './remote.ts';

/** What both engines can say when a repository does not answer as it should; each message says what to do. */
export type Failure =
  | 'unreachable'
  | 'authentication'
  | 'missing'
  | 'certificate'
  | 'revision'
  | 'incomplete'
  | 'memory';

const texts: Record<Failure, { code: ErrorCode; text: (remote: Remote) => string }> = {
  unreachable: {
    code: 'RepositoryUnreachable',
    text: ({ host }) => `cannot be reached; check its URL and that the hub may connect to ${host || 'it'}`,
  },
  authentication: {
    code: 'RepositoryAuthentication',
    text: (remote) =>
      hasLogin(remote)
        ? 'refuses the credentials given; check that they are current and may read it'
        : 'asks for credentials; add them in a repository Secret',
  },
  missing: {
    code: 'RepositoryUnreachable',
    text: (remote) =>
      hasLogin(remote)
        ? 'does not exist, or the credentials given may not see it'
        : 'does not exist, or wants credentials; check its URL or add them in a repository Secret',
  },
  certificate: {
    code: 'RepositoryUnreachable',
    text: () => 'has a TLS certificate that is not trusted; add the certificate authority that signed it',
  },
  revision: {
    code: 'RevisionNotFound',
    text: () => 'does not have the revision asked for, or no longer has it',
  },
  memory: {
    code: 'TooLarge',
    text: () =>
      'holds an object for which git needs more memory than it is given; take it out of what is fetched, or raise GIT_ALLOC_LIMIT (256m) for the hub',
  },
  incomplete: { code: 'RepositoryUnreachable', text: () => 'sent an incomplete answer' },
};

export function sourceFailure(
  kind: Failure,
  remote: Remote,
  options: { reason?: string; cause?: unknown } = {},
): FleetError {
  const { code, text } = texts[kind];
  const reason = options.reason ? scrub(options.reason.trim(), remote).slice(0, 500) : '';
  const message = `repository ${remote.display} ${text(remote)}${reason === '' ? '' : `: ${reason}`}`;
  return new FleetError(code, message, { details: { repository: remote.display }, cause: options.cause });
}

function hasLogin(remote: Remote): boolean {
  const { password, bearerToken, sshPrivateKey } = remote.credentials;
  return Boolean(password ?? bearerToken ?? sshPrivateKey);
}

/** Foreign output never carries a secret on, even if a server echoes one. */
export function scrub(text: string, remote: Remote): string {
  const { password, bearerToken, proxy } = remote.credentials;
  let clean = text;
  for (const secret of [password, bearerToken, proxy]) if (secret) clean = clean.replaceAll(secret, '[redacted]');
  // only then, as what is left of a secret that holds an @ could not be found
  return clean.replace(/(\w+:\/\/)[^/?#\s]*@/g, '$1');
}
