import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { inventorySchema } from '@wheelhouse/shared/protocol/inventory';
import { z } from 'zod';
import type { ApiDeps, FleetCluster } from './deps.ts';

export const states = z.enum(['Expected', 'Pending', 'Connected', 'Stale', 'Lost', 'Revoked', 'Leaving']);
const decided = z.object({ at: z.string(), by: z.string() });

const adoption = z.object({
  state: z
    .enum(['Adopted', 'WaitsForConfirmation', 'Failed'])
    .describe('WaitsForConfirmation: it runs Applications that nothing explains, until a person decides'),
  adoptedAt: z.string().exactOptional(),
  generation: z.number().exactOptional().describe('Of the document that was taken over'),
  unexplained: z.number().describe('Applications that nothing explains'),
  problem: z.object({ code: z.string(), message: z.string(), at: z.string() }).exactOptional(),
});

export const reason = z.string().max(500).default('').describe('Why, for the history');

export const fleetCluster = z
  .object({
    name: z.string(),
    server: z.string(),
    project: z.string().exactOptional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    appLabels: z
      .array(
        z.object({
          apps: z.string().describe('Selector of the Applications'),
          labels: z.record(z.string(), z.string().nullable()),
          at: z.string(),
          by: z.string(),
          reason: z.string().exactOptional(),
        }),
      )
      .exactOptional()
      .describe('Labels that only some Applications see in place of its own; null: absent'),
    state: states,
    lastSeenAt: z.string().exactOptional(),
    agentVersion: z.string().exactOptional(),
    kubernetesVersion: z.string().exactOptional(),
    generation: z.number().exactOptional().describe('Newest document published for it'),
    appliedGeneration: z.number().exactOptional(),
    inventory: inventorySchema
      .exactOptional()
      .describe('What it says that it has, as of lastSeenAt: CPU in thousandths of a core, memory in bytes'),
    refusedLabels: z
      .array(z.string())
      .exactOptional()
      .describe('Labels that its agent reports and that its token did not allow'),
    heldLabels: z
      .object({ labels: z.record(z.string(), z.string()), at: z.string(), reason: z.string() })
      .exactOptional()
      .describe('Labels that its agent reports and that would move Applications: set them by hand, which makes a plan'),
    inventoryProblem: z.string().exactOptional().describe('Why the inventory is absent, or may be old'),
    applications: z
      .object({ total: z.number(), synced: z.number(), healthy: z.number(), stale: z.number() })
      .exactOptional(),
    clockSkewMs: z.number().exactOptional().describe('How far its clock is ahead, when that is more than 30 s'),
    pending: z.object({ since: z.string() }).exactOptional(),
    approved: decided.exactOptional(),
    revoked: decided.extend({ reason: z.string() }).exactOptional(),
    leaving: decided.extend({ cascade: z.boolean() }).exactOptional(),
    credentials: z
      .object({ issuedAt: z.string(), expiresAt: z.string() })
      .exactOptional()
      .describe('Those that its agent used as of lastSeenAt: when it got them last, and when they run out'),
    adoption: adoption
      .exactOptional()
      .describe('What became of what it held when the hub had lost its store; absent when nothing was taken over'),
    enrolledAt: z.string().exactOptional(),
    labelled: decided.exactOptional(),
    cloned: z.object({ uid: z.string(), at: z.string() }).exactOptional(),
    keyedAt: z.string().exactOptional(),
    rekey: decided.exactOptional(),
    allowedLabels: z.record(z.string(), z.array(z.string())).exactOptional(),
    formerNames: z.array(z.string()).exactOptional(),
  })
  .meta({ id: 'FleetCluster' });

export function getCluster(deps: Pick<ApiDeps, 'clusters'>, name: string): FleetCluster {
  const cluster = deps.clusters.find(name);
  if (!cluster) throw new FleetError('NotFound', `cluster ${name} is not in the inventory`);
  return cluster;
}
