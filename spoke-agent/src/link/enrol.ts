import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import {
  credentialsSchema,
  type EnrolRequest,
  enrolmentPaths,
  enrolProof,
  type RenewRequest,
  renewProof,
} from '@wheelhouse/shared/protocol/enrolment';
import { parseEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import { fetchCa, postJson } from './hub-client.ts';
import type { Identity, Membership } from './identity.ts';

export interface Installation {
  /** uid of the kube-system namespace. */
  uid: string;
  agentVersion: string;
}

/**
 * Joins the fleet with a token: checks the hub's CA against the token, then asks for credentials over TLS under that CA.
 * May be repeated with the same identity when the answer was lost. Throws TokenInvalid, Conflict, SignatureInvalid, TransportUnavailable.
 */
export async function enrol(
  identity: Identity,
  request: Installation & { token: string },
  signal: AbortSignal,
): Promise<Membership> {
  const token = parseEnrolmentToken(request.token);
  const ca = token.ca === undefined ? '' : await fetchCa(token.hub, token.ca, signal);
  const claims = { tokenId: token.id, publicKey: identity.key.publicKey, uid: request.uid };
  const body: EnrolRequest = {
    ...claims,
    secret: token.secret,
    agentVersion: request.agentVersion,
    proof: identity.key.sign(enrolProof(claims)).toString('base64url'),
  };
  const answer = await postJson(new URL(enrolmentPaths.enrol, token.hub), body, { ca, signal });
  return await accept(identity, { ...parseCredentials(answer), ca, hub: token.hub });
}

/** New credentials over HTTPS with proof of the key: for an agent whose JWT ran out while it was away. */
export async function renewWithProof(
  identity: Identity,
  request: { uid: string; now: Date },
  signal: AbortSignal,
): Promise<Membership> {
  const { cluster, hub, ca } = membershipOf(identity);
  const claims = { cluster, uid: request.uid, at: request.now.toISOString() };
  const body: RenewRequest = { ...claims, proof: identity.key.sign(renewProof(claims)).toString('base64url') };
  const answer = await postJson(new URL(enrolmentPaths.renew, hub), body, { ca, signal });
  return await accept(identity, { ...parseCredentials(answer), ca, hub });
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

async function accept(identity: Identity, membership: Membership): Promise<Membership> {
  await identity.save(membership);
  return membership;
}
