import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { noAmounts, parseAmounts, type ResourceAmounts } from '@wheelhouse/shared/kube/resource-amounts';
import { maxApiGroups } from '@wheelhouse/shared/protocol/inventory';

interface Node {
  spec?: { unschedulable?: boolean };
  status?: { allocatable?: unknown; conditions?: { type: string; status: string }[] };
}

/** What a Node that takes Pods offers; nothing while it is cordoned or not Ready. */
export function usableAmounts(object: KubeObject): ResourceAmounts {
  const { spec, status } = object as Node;
  const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return isReady && !spec?.unschedulable ? parseAmounts(status?.allocatable) : noAmounts;
}

/** As an inventory names API groups: sorted, each once, without the core group. */
export function formatGroups(groups: Iterable<string>): string[] {
  return [...new Set(groups)]
    .filter((group) => group !== '')
    .sort()
    .slice(0, maxApiGroups);
}
