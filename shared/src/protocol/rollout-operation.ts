/** Argo CD: who asks for the syncs of a RollingSync. */
export const applicationSetController = 'applicationset-controller';

/** How keys of rollouts begin, and with them the ids of the syncs that their steps ask for. */
export const rolloutKeyPrefix = { FleetRollout: 'rollout', RollingSync: 'rollingsync' } as const;

/**
 * Whether a step of a rollout asked for it, and no person: such a sync is tried again as an automated one is, and goes on
 * when its agent was away.
 */
export function isOfRollout(operationId: string): boolean {
  return Object.values(rolloutKeyPrefix).some((prefix) => operationId.startsWith(`${prefix}.`));
}
