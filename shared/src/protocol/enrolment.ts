import { z } from 'zod';

/** What passes between agent and hub so that a cluster gets, and keeps, its identity. */
export const enrolmentPaths = { enrol: '/api/v1/fleet/enrol', renew: '/api/v1/fleet/renew' } as const;

const userKey = z.string().regex(/^U[A-Z2-7]{55}$/);
const uid = z.string().min(1).max(128);

/** Over HTTPS, with the token's secret; `proof` shows that the agent holds the private half of `publicKey`. */
export const enrolRequestSchema = z.strictObject({
  tokenId: z.string().max(64),
  secret: z.string().max(128),
  publicKey: userKey,
  /** uid of the kube-system namespace. */
  uid,
  agentVersion: z.string().max(64),
  /** base64url, see `enrolProof`. */
  proof: z.string().max(128),
  /** Name that the agent chooses, where the token leaves a choice. */
  name: z.string().max(63).optional(),
  /** Labels that the agent gives itself, each of them allowed by the token. */
  labels: z.record(z.string().max(317), z.string().max(63)).optional(),
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

/** Over HTTPS by an agent whose JWT ran out: proof of the key that it enrolled with. */
export const renewRequestSchema = z.strictObject({
  cluster: z.string().max(63),
  uid,
  /** RFC 3339, within an hour of the hub's clock. */
  at: z.iso.datetime(),
  /** base64url, see `renewProof`. */
  proof: z.string().max(128),
  /** A key that takes the place of the present one from now on; `proof` shows that the agent holds it, see `rekeyProof`. */
  next: z.strictObject({ publicKey: userKey, proof: z.string().max(128) }).optional(),
});
export type RenewRequest = z.infer<typeof renewRequestSchema>;

export const credentialsSchema = z.object({
  cluster: z.string(),
  /** NATS user JWT; no use without the private key. */
  jwt: z.string(),
  expiresAt: z.iso.datetime(),
  /** `tls://host:port` or `nats://host:port`. */
  natsUrls: z.array(z.string()).min(1),
  /** PEM of the hub's CA, '' when the system's are used. */
  ca: z.string(),
  /** Keys that sign documents: key id → base64 of SPKI. */
  documentKeys: z.record(z.string(), z.string()),
  /** A person has to approve the cluster first: these credentials allow heartbeats and renewal only. */
  pending: z.boolean().optional(),
  /** The hub wants a new key: renew with `next`. */
  rekey: z.boolean().optional(),
  /** Names that the cluster had before; documents on disk may carry them. */
  formerNames: z.array(z.string()).optional(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** The bytes that an enrolling agent signs. */
export function enrolProof(request: Pick<EnrolRequest, 'tokenId' | 'publicKey' | 'uid'>): Buffer {
  return Buffer.from(`wheelhouse enrol\n${request.tokenId}\n${request.publicKey}\n${request.uid}`);
}

/** The bytes that a returning agent signs with the key that the hub knows. */
export function renewProof(request: Pick<RenewRequest, 'cluster' | 'uid' | 'at' | 'next'>): Buffer {
  const next = request.next ? `\n${request.next.publicKey}` : '';
  return Buffer.from(`wheelhouse renew\n${request.cluster}\n${request.uid}\n${request.at}${next}`);
}

/** The bytes that it signs with the key that is to come. */
export function rekeyProof(request: Pick<RenewRequest, 'cluster' | 'uid' | 'at'>): Buffer {
  return Buffer.from(`wheelhouse rekey\n${request.cluster}\n${request.uid}\n${request.at}`);
}
