import { z } from 'zod';
import { anyObject, intOrText, labelSelector, objectMeta, text, texts } from './fields.ts';

const changeWindow = z.strictObject({
  /** Cron with five fields: when the window opens. */
  schedule: z.string(),
  duration: z.string(),
  /** IANA name; UTC unless given. */
  timeZone: text,
});

const failureThreshold = z.strictObject({
  /** Clusters that may fail in the step; 0 unless given. */
  count: z.int().min(0).exactOptional(),
  /** Of the step's clusters, 0 to 100. With both, the smaller counts. */
  percent: z.number().min(0).max(100).exactOptional(),
});

const step = z.strictObject({
  name: z.string().min(1),
  /** By labels of clusters. A step with neither this nor `portion` takes the rest, and must be the last. */
  clusters: labelSelector.exactOptional(),
  /** A number or percentage of all clusters of the rollout, out of those that no step takes by label. */
  portion: intOrText.exactOptional(),
  /** Clusters that are updated at once: a number, or a percentage of the step; all unless given. */
  maxUpdate: intOrText.exactOptional(),
  /** How long the step's clusters must have been healthy before the next step begins. */
  soak: text,
  failureThreshold: failureThreshold.exactOptional(),
  /** How long one cluster may take; `spec.progressDeadline` unless given. */
  progressDeadline: text,
  /** Somebody must say that the step may begin: whom this names, or anybody who may change the rollout. */
  approval: z.strictObject({ people: texts, roles: texts }).exactOptional(),
  windows: z.array(changeWindow).exactOptional(),
});

const fleetRolloutSpec = z.strictObject({
  /** Name of an ApplicationSet of the same namespace; either this or `selector`. */
  applicationSet: text,
  /** By labels of Applications of the same namespace. */
  selector: labelSelector.exactOptional(),
  steps: z.array(step).min(1),
  /** 10 minutes unless given. */
  progressDeadline: text,
  /** What becomes of the clusters that were touched when a step fails: `Return` unless given. */
  onFailure: z.enum(['Return', 'Pause']).exactOptional(),
  /** What a newer revision does to a rollout that is under way: `Queue` unless given. */
  newRevision: z.enum(['Queue', 'Supersede']).exactOptional(),
  /** Clusters that are silent when their turn comes: `Skip` unless given. */
  offline: z.enum(['Skip', 'Wait']).exactOptional(),
  /** For every step that has none of its own. */
  windows: z.array(changeWindow).exactOptional(),
  /** Nothing begins until then; `until` is RFC 3339. */
  pause: z.strictObject({ reason: z.string().min(1), until: text }).exactOptional(),
});

/** Takes each change of a set of Applications over the fleet in steps. Ours; Argo CD has no such kind. */
export const fleetRollout = z.strictObject({
  apiVersion: z.literal('wheelhouse.dev/v1alpha1'),
  kind: z.literal('FleetRollout'),
  metadata: objectMeta,
  spec: fleetRolloutSpec,
  status: anyObject.exactOptional(),
});

export type FleetRollout = z.infer<typeof fleetRollout>;
export type FleetRolloutStep = z.infer<typeof step>;
export type ChangeWindow = z.infer<typeof changeWindow>;
