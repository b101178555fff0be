import { z } from 'zod';

const amount = z.int().nonnegative();
const amounts = z.object({ cpuMillis: amount, memoryBytes: amount });

/** Most API groups and labels that one heartbeat may carry. */
export const maxApiGroups = 500;
export const maxOwnLabels = 50;

/** What a cluster says that it has. A spoke is not trusted: bounded, and its labels count only as far as they are allowed. */
export const inventorySchema = z.object({
  /** Nodes there are. */
  nodes: amount,
  /** Of the Nodes that take Pods: Ready and not cordoned. */
  allocatable: amounts,
  /** By the Pods that are not finished, whether or not they found room. */
  requested: amounts,
  /** Groups that the API server serves, sorted, without the core group. */
  apiGroups: z.array(z.string().min(1).max(253)).max(maxApiGroups),
  /** What the agent was told to call its cluster. */
  labels: z
    .record(z.string().max(317), z.string().max(63))
    .refine((labels) => Object.keys(labels).length <= maxOwnLabels, `more than ${maxOwnLabels} labels`)
    .exactOptional(),
});

export type Inventory = z.infer<typeof inventorySchema>;
