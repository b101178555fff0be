import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { Cluster, ClusterInfo } from '../cluster/cluster.ts';

type InventoryPart = Pick<Heartbeat, 'kubernetesVersion' | 'inventory' | 'inventoryProblem'>;

export interface InventoryOptions {
  /** What was known at the start. */
  info: Pick<ClusterInfo, 'kubernetesVersion'>;
  labels?: Record<string, string> | undefined;
}

/** The part of a heartbeat that says what the cluster has; a problem with it is logged when it begins, and when it ends. */
export function followInventory(
  { cluster, logger }: { cluster: Pick<Cluster, 'followInventory'>; logger: Logger },
  { info, labels = {} }: InventoryOptions,
  signal: AbortSignal,
): () => InventoryPart {
  const live = cluster.followInventory(signal);
  const own = Object.keys(labels).length > 0 ? { labels } : {};
  let lastProblem: string | undefined;
  return () => {
    const inventory = live.current();
    const problem = live.problem();
    if (problem && problem.code !== lastProblem) logger.warn({ err: problem }, 'the inventory cannot be followed');
    if (!problem && lastProblem) logger.info('the inventory is followed again');
    lastProblem = problem?.code;
    return {
      kubernetesVersion: live.kubernetesVersion() ?? info.kubernetesVersion,
      ...(inventory ? { inventory: { ...inventory, ...own } } : {}),
      ...(problem ? { inventoryProblem: problem.message } : {}),
    };
  };
}
