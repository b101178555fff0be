import type { FleetCluster } from '@wheelhouse/hub/api/deps';
import { identityFields } from './identity-fields.ts';
import { formatAge, formatFields, formatLabels } from './output.ts';

/** One cluster as a page: who it is, whether it was heard of, what it has, what runs there. */
export function formatClusterPage(cluster: FleetCluster): string {
  const { inventory } = cluster;
  return formatFields([
    ['Name', cluster.name],
    ['Server', cluster.server],
    ['Project', cluster.project],
    ['State', cluster.state],
    ...identityFields(cluster),
    ['Last seen', formatSeen(cluster.lastSeenAt)],
    ['Labels', formatLabels(cluster.labels)],
    ...(cluster.appLabels ?? []).map(formatAppLabels),
    ['Refused labels', formatRefused(cluster.refusedLabels)],
    ['Held labels', formatHeld(cluster)],
    ['Annotations', formatLabels(cluster.annotations)],
    ['Agent', cluster.agentVersion],
    ['Kubernetes', cluster.kubernetesVersion],
    ['Nodes', inventory?.nodes],
    ['CPU', inventory && formatShare(inventory, 'cpuMillis', formatCpu)],
    ['Memory', inventory && formatShare(inventory, 'memoryBytes', formatMemory)],
    ['API groups', inventory?.apiGroups.join(', ')],
    ['Inventory', cluster.inventoryProblem ?? (inventory ? undefined : 'not reported')],
    ['Generation', formatGeneration(cluster)],
    ['Applications', formatApplications(cluster)],
  ]);
}

export function formatSeen(lastSeenAt: string | undefined): string {
  return lastSeenAt === undefined ? 'never' : `${formatAge(Date.now() - Date.parse(lastSeenAt))} ago`;
}

type Inventory = NonNullable<FleetCluster['inventory']>;
type Amount = keyof Inventory['requested'];

/** `1.5 requested of 8 (18%)`. */
export function formatShare(
  { requested, allocatable }: Pick<Inventory, 'requested' | 'allocatable'>,
  amount: Amount,
  format: (amount: number) => string,
): string {
  const of = allocatable[amount];
  const share = of > 0 ? ` (${Math.floor((100 * requested[amount]) / of)}%)` : '';
  return `${format(requested[amount])} requested of ${format(of)}${share}`;
}

export function formatCpu(millis: number): string {
  return String(Math.round(millis / 10) / 100);
}

export function formatMemory(bytes: number): string {
  return bytes >= 2 ** 30 ? `${Math.round((10 * bytes) / 2 ** 30) / 10}Gi` : `${Math.round(bytes / 2 ** 20)}Mi`;
}

/** What only some Applications see in place of its own. */
function formatAppLabels({ apps, labels, at, by }: NonNullable<FleetCluster['appLabels']>[number]): [string, string] {
  const seen = Object.entries(labels).map(([key, value]) => (value === null ? `no ${key}` : `${key}=${value}`));
  return [`Labels for ${apps}`, `${seen.join(', ')} (since ${at}, by ${by})`];
}

function formatRefused(labels: string[] | undefined): string | undefined {
  return labels && `${labels.join(', ')}: its agent reports them, its token does not allow them`;
}

function formatHeld({ name, heldLabels }: FleetCluster): string | undefined {
  if (!heldLabels) return undefined;
  const labels = Object.entries(heldLabels.labels).map(([key, value]) => `${key}=${value}`);
  return `${labels.join(',')}: its agent reports them since ${heldLabels.at}, and ${heldLabels.reason}; plan it: wheelhouse cluster label ${name} ${labels.join(' ')}`;
}

function formatGeneration({ generation, appliedGeneration }: FleetCluster): string | undefined {
  return generation === undefined ? undefined : `${appliedGeneration ?? 0} applied of ${generation}`;
}

function formatApplications({ applications }: FleetCluster): string | undefined {
  if (!applications) return undefined;
  const { total, synced, healthy, stale } = applications;
  return `${total}: ${synced} Synced, ${healthy} Healthy, ${stale} stale`;
}
