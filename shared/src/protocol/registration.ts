import { z } from 'zod';

const text = z.record(z.string(), z.string());

/**
 * What the hub knows of a cluster, inside that cluster's signed document: a hub that lost its store takes it from there.
 * It says nothing to the spoke. What an older or newer hub wrote beside these fields is kept as it is.
 */
export const registrationSchema = z.looseObject({
  server: z.string().min(1),
  project: z.string().exactOptional(),
  labels: text,
  annotations: text,
  /** NATS user key that it enrolled with. */
  publicKey: z.string().min(1),
  /** uid of its kube-system namespace. */
  uid: z.string().min(1),
  enrolledAt: z.iso.datetime(),
});

export type Registration = z.infer<typeof registrationSchema>;
