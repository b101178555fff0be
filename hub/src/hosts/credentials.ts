import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { CloneProtocol, HostAccess } from './host.ts';
import type { Target } from './http/http.ts';

export interface SecretRef {
  secretName: string;
  key: string;
}

/** Tells credentials apart without holding one. */
export function identityOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** `Authorization: SCHEME TOKEN`, or nothing without a reference. */
export function tokenCredential(
  ref: SecretRef | undefined,
  scheme: string,
  access: HostAccess,
): Pick<Target, 'authorization' | 'identity'> {
  if (ref === undefined) return {};
  const token = access.secret(ref).trim();
  return { authorization: () => `${scheme} ${token}`, identity: identityOf(scheme, token) };
}

export function basicCredential(username: string, password: string): Pick<Target, 'authorization' | 'identity'> {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return { authorization: () => `Basic ${encoded}`, identity: identityOf('Basic', encoded) };
}

export interface EitherCredential {
  basicAuth?: { username: string; passwordRef: SecretRef };
  bearerToken?: { tokenRef: SecretRef };
}

/** Argo CD: at most one of the two. */
export function eitherCredential(
  { basicAuth, bearerToken }: EitherCredential,
  access: HostAccess,
): Pick<Target, 'authorization' | 'identity'> {
  if (basicAuth) return basicCredential(basicAuth.username, access.secret(basicAuth.passwordRef).trim());
  return bearerToken ? tokenCredential(bearerToken.tokenRef, 'Bearer', access) : {};
}

export interface TlsOptions {
  insecure?: boolean;
  caRef?: { configMapName: string; key: string };
}

export function tlsOf({ insecure, caRef }: TlsOptions, access: HostAccess): Pick<Target, 'insecure' | 'caPem'> {
  return {
    ...(insecure === true ? { insecure } : {}),
    ...(caRef === undefined ? {} : { caPem: access.configMap(caRef) }),
  };
}

/** Argo CD: ssh unless said otherwise. */
export function cloneProtocolOf(text: string | undefined): CloneProtocol {
  if (text === undefined || text === '' || text === 'ssh') return 'ssh';
  if (text === 'https') return 'https';
  throw new FleetError('Invalid', `cloneProtocol "${text}" is not known; use ssh or https`);
}

/** Every segment of a path in a URL, encoded. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
