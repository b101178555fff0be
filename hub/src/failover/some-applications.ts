/** What is particular to a plan for some Applications: how labels of clusters look to them, and that any of them moves. */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { labelsFor } from '../fleet/app-labels.ts';
import { mayConcern } from '../generate/layers.ts';
import type { Labelling } from './dry-run.ts';
import type { FailoverDeps } from './failover.ts';
import { type FailoverRequest, failoverLabels } from './label-changes.ts';
import { changesPlacements } from './make-plan.ts';
import type { Plan } from './plan-record.ts';

export function onlyFor(apps: string | undefined): { apps?: string } {
  return apps === undefined ? {} : { apps };
}

/** From the clusters as those Applications see them, and the sets that may give such. */
export function labelsOf(
  request: FailoverRequest,
  apps: string | undefined,
  deps: Pick<FailoverDeps, 'specs' | 'clusters'>,
): Labelling {
  const all = deps.specs.list('ApplicationSet').map(({ resource }) => resource as ApplicationSet);
  const sets = apps === undefined ? all : all.filter((set) => mayConcern(set, apps));
  if (apps !== undefined && sets.length === 0) throw nothingMoves(apps);
  const clusters = deps.clusters().map((cluster) => ({ name: cluster.name, labels: labelsFor(cluster, apps) }));
  return failoverLabels(request, clusters, sets);
}

/** Throws Invalid: what would do nothing is not what was meant. */
export function refuseWithoutMoves(plan: Plan, apps: string): void {
  if (changesPlacements(plan) || plan.findings.some(({ severity }) => severity === 'blocks')) return;
  throw nothingMoves(apps);
}

/** Invalid, with what is selected by. */
export function nothingMoves(apps: string): FleetError {
  return new FleetError(
    'Invalid',
    `no Application of '${apps}' would move: what is selected are the labels that templates of ApplicationSets give ('wheelhouse app list -l ${apps}'), wheelhouse.dev/applicationset and wheelhouse.dev/project; what is not generated names its cluster itself`,
  );
}
