import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import {
  credentialsSchema,
  type EnrolRequest,
  enrolmentPaths,
  enrolProof,
  type RenewRequest,
  rekeyProof,
  renewProof,
} from '@wheelhouse/shared/protocol/enrolment';
import { parseEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import type { KeyPair } from '@wheelhouse/shared/protocol/nkeys';
import { fetchCa, postJson } from './hub-client.ts';
import type { Identity, Membership } from './identity.ts';

export interface Installation {
  /** uid of the kube-system namespace. */
  uid: string;
  agentVersion: string;
  /** Name that it chooses, where its token leaves a choice. */
  name?: string | undefined;
  /** Labels that it gives itself, each of them allowed by its token. */
  labels?: Record<string, string> | undefined;
}

/**
 * Joins the fleet with a token: checks the hub's CA against the token, then asks for credentials over TLS under that CA.
 * May be repeated with the same token when the answer was lost; with another one the agent joins anew, under a new key.
 * Throws TokenInvalid, Forbidden, Conflict, IdentityRevoked, SignatureInvalid, TransportUnavailable.
 */
export async function enrol(
  identity: Identity,
  request: Installation & { token: string },
  signal: AbortSignal,
): Promise<Membership> {
  const { uid, agentVersion, name, labels } = request;
  const token = parseEnrolmentToken(request.token);
  const ca = token.ca === undefined ? '' : await fetchCa(token.hub, token.ca, signal);
  const isAnew = identity.membership() !== undefined && identity.membership()?.tokenId !== token.id;
  const key = isAnew ? await identity.nextKey() : identity.key;
  const claims = { tokenId: token.id, publicKey: key.publicKey, uid };
  const body: EnrolRequest = {
    ...claims,
    secret: token.secret,
    agentVersion,
    proof: signText(key, enrolProof(claims)),
    ...(name === undefined ? {} : { name }),
    ...(labels === undefined ? {} : { labels }),
  };
  const answer = await postJson(new URL(enrolmentPaths.enrol, token.hub), body, { ca, signal });
  return await accept(identity, { ...parseCredentials(answer), ca, hub: token.hub, tokenId: token.id });
}

/** New credentials over HTTPS with proof of the key: for an agent whose JWT ran out while it was away. */
export async function renewWithProof(
  identity: Identity,
  request: { uid: string; now: Date },
  signal: AbortSignal,
): Promise<Membership> {
  return await renew(identity, { ...request, next: undefined }, signal);
}

/** Gives the hub a new key, proved by the old one and by itself; from then on the old one is refused. May be repeated. */
export async function changeKey(
  identity: Identity,
  request: { uid: string; now: Date },
  signal: AbortSignal,
): Promise<Membership> {
  return await renew(identity, { ...request, next: await identity.nextKey() }, signal);
}

async function renew(
  identity: Identity,
  { uid, now, next }: { uid: string; now: Date; next: KeyPair | undefined },
  signal: AbortSignal,
): Promise<Membership> {
  const membership = membershipOf(identity);
  const { cluster, hub, ca } = membership;
  const claims = { cluster, uid, at: now.toISOString() };
  const asked = next ? { next: { publicKey: next.publicKey, proof: signText(next, rekeyProof(claims)) } } : {};
  const proof = signText(identity.key, renewProof({ ...claims, ...asked }));
  const body: RenewRequest = { ...claims, ...asked, proof };
  const answer = await postJson(new URL(enrolmentPaths.renew, hub), body, { ca, signal });
  return await accept(identity, { ...parseCredentials(answer), ...originOf(membership) });
}

export function membershipOf(identity: Identity): Membership {
  const membership = identity.membership();
  if (membership) return membership;
  throw new FleetError('Unauthenticated', 'this agent is not enrolled: start it with a token');
}

export function parseCredentials(answer: unknown): Omit<Membership, 'hub'> {
  const parsed = credentialsSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new FleetError('Malformed', "the hub's credentials cannot be read; is the hub of another version?");
}

/** What renewed credentials take over from the ones before. */
export function originOf({ hub, ca, tokenId }: Membership): Pick<Membership, 'hub' | 'ca' | 'tokenId'> {
  return { hub, ca, tokenId };
}

function signText(key: KeyPair, bytes: Uint8Array): string {
  return key.sign(bytes).toString('base64url');
}

async function accept(identity: Identity, membership: Membership): Promise<Membership> {
  await identity.save(membership);
  return membership;
}
