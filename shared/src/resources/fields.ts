import { z } from 'zod';

// Short names for the field forms that Argo CD's kinds are made of. Optional means absent, never `undefined`:
// the inferred types are plain `field?: T`, so a parsed resource is a KubeObject and goes to JSON unchanged.

export const text = z.string().exactOptional();
export const flag = z.boolean().exactOptional();
export const integer = z.int().exactOptional();
export const texts = z.array(z.string()).exactOptional();
export const textMap = z.record(z.string(), z.string()).exactOptional();
/** Any JSON value, kept as it is. */
export const anyValue = z.unknown();
/** Any JSON object, kept as it is. */
export const anyObject = z.record(z.string(), z.unknown());
/** Kubernetes: IntOrString. */
export const intOrText = z.union([z.int(), z.string()]);

/** Kubernetes: LabelSelector. */
export const labelSelector = z.strictObject({
  matchLabels: textMap,
  matchExpressions: z.array(z.strictObject({ key: z.string(), operator: z.string(), values: texts })).exactOptional(),
});

/** Metadata is Kubernetes' own and stays open; the fields that we read are typed. */
export const objectMeta = z.looseObject({
  name: z.string().min(1),
  namespace: z.string().min(1),
  uid: text,
  resourceVersion: text,
  generation: integer,
  creationTimestamp: text,
  deletionTimestamp: text,
  labels: textMap,
  annotations: textMap,
  finalizers: texts,
});

export const argoApiVersion = z.literal('argoproj.io/v1alpha1');

export type LabelSelector = z.infer<typeof labelSelector>;
export type ResourceMeta = z.infer<typeof objectMeta>;
