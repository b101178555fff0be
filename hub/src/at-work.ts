import { clustersOf } from './failover/claims.ts';
import { isUnfinished } from './failover/plan-record.ts';
import { isActive } from './rollout/record.ts';
import type { Stores } from './store/open-stores.ts';

export interface AtWork {
  /** Id of a failover plan that is at work on this cluster. */
  planOn(cluster: string): string | undefined;
  /** Key of a rollout whose run has it. */
  rolloutOn(cluster: string): string | undefined;
}

/** What names a cluster while it is under way, so that the cluster must keep its name. */
export function createAtWork({ records, rollouts }: Pick<Stores, 'records' | 'rollouts'>): AtWork {
  return {
    planOn: (cluster) =>
      records.plans.list().find((plan) => isUnfinished(plan) && clustersOf(plan).includes(cluster))?.id,
    rolloutOn: (cluster) => rollouts.list().find(({ run }) => isActive(run) && cluster in run.members)?.key,
  };
}
