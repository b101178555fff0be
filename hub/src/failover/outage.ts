import { parseDuration } from '@wheelhouse/shared/config/duration';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { labelsFor, readAppSelector } from '../fleet/app-labels.ts';
import type { FleetCluster } from '../fleet/clusters.ts';

export interface OutageDeps {
  clusters(): FleetCluster[];
  /** What was told of a cluster's contact: by a hub that heard all the while, and by its stopwatch. */
  contactOf(cluster: string): FleetCluster['state'] | undefined;
  now(): Date;
}

/**
 * When the clusters of the rule were heard of last, if all of them are Lost and have been silent for long enough. A hub that
 * was deaf itself, or whose clock is ahead, sees silence where there is none: what was told of their contact must say so too.
 * A rule for some Applications looks at the labels that these see, for that is what its plan will do.
 */
export function outageOf({ spec }: FailoverRule, { clusters, contactOf, now }: OutageDeps): string | undefined {
  const requirements = parseSelector(spec.from);
  const apps = spec.apps === undefined ? undefined : readAppSelector(spec.apps);
  const isMeant = (cluster: FleetCluster) => matchesSelector(requirements, labelsFor(cluster, apps));
  const from = clusters().filter((cluster) => cluster.state !== 'Expected' && isMeant(cluster));
  if (from.length === 0 || from.some(({ name, state }) => state !== 'Lost' || contactOf(name) !== 'Lost'))
    return undefined;
  const last =
    from
      .map(({ lastSeenAt, enrolledAt }) => lastSeenAt ?? enrolledAt ?? '')
      .sort()
      .at(-1) ?? '';
  const silentMs = now().getTime() - Date.parse(last);
  return silentMs >= (parseDuration(spec.lostFor ?? '') ?? 0) ? last : undefined;
}
