import { parseDuration } from '@wheelhouse/shared/config/duration';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { type Labelled, labelsFor, readAppSelector } from '../fleet/app-labels.ts';
import type { FleetCluster } from '../fleet/clusters.ts';

export interface OutageDeps {
  /** Clusters that Applications are generated for. */
  enrolled(): Iterable<Labelled & { name: string }>;
  findCluster(name: string): FleetCluster | undefined;
  /** What was told of a cluster's contact: by a hub that heard all the while, and by its stopwatch. */
  contactOf(cluster: string): FleetCluster['state'] | undefined;
  now(): Date;
}

/**
 * When the clusters of the rule were heard of last, if all of them are Lost and have been silent for long enough. A hub that
 * was deaf itself, or whose clock is ahead, sees silence where there is none: what was told of their contact must say so too.
 * A rule for some Applications looks at the labels that these see, for that is what its plan will do.
 */
export function outageOf(rule: FailoverRule, deps: OutageDeps): string | undefined {
  const from = allLost(rule, deps);
  if (from === undefined || from.length === 0) return undefined;
  const last =
    from
      .map(({ lastSeenAt, enrolledAt }) => lastSeenAt ?? enrolledAt ?? '')
      .sort()
      .at(-1) ?? '';
  const silentMs = deps.now().getTime() - Date.parse(last);
  return silentMs >= (parseDuration(rule.spec.lostFor ?? '') ?? 0) ? last : undefined;
}

/**
 * Asked each second: it ends with the first cluster that is not Lost. A person has ended the connection of one that is revoked:
 * nobody waits for word of it, and its silence is no outage.
 */
function allLost({ spec }: FailoverRule, { enrolled, findCluster, contactOf }: OutageDeps): FleetCluster[] | undefined {
  const requirements = parseSelector(spec.from);
  const apps = spec.apps === undefined ? undefined : readAppSelector(spec.apps);
  const lost: FleetCluster[] = [];
  for (const one of enrolled()) {
    const cluster = matchesSelector(requirements, labelsFor(one, apps)) ? findCluster(one.name) : undefined;
    if (!cluster || cluster.state === 'Revoked') continue;
    if (cluster.state !== 'Lost' || contactOf(cluster.name) !== 'Lost') return undefined;
    lost.push(cluster);
  }
  return lost;
}
