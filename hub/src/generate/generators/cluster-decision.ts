import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ClusterDecisionResourceGenerator } from '@wheelhouse/shared/resources/generator';
import type { GeneratorContext } from './context.ts';
import { compileSelector } from './label-selector.ts';
import { compileValues, type Parameters } from './parameters.ts';

/** An object whose status lists clusters, as it was applied to the hub. */
export interface DecisionResource {
  name: string;
  labels: Readonly<Record<string, string>>;
  status: Readonly<Record<string, unknown>>;
}

type Decision = Record<string, unknown>;

/**
 * Argo CD: clusterDecisionResource. Clusters that something else chose: objects on the hub, of the kind that a ConfigMap
 * names, list them in their status. Decisions about clusters that the hub does not know are passed over with a warning.
 */
export function decisionParameters(
  generator: ClusterDecisionResourceGenerator,
  context: GeneratorContext,
): Parameters[] {
  context.reads.clusters = true;
  const { configMapRef, values } = generator;
  const settings = context.configMap(configMapRef);
  const { matchKey, statusListKey = 'clusters' } = settings;
  if (!matchKey)
    throw new FleetError(
      'Invalid',
      `ConfigMap ${configMapRef}: needs matchKey, the key of a decision that names a cluster`,
    );
  const clusters = new Map(context.clusters.map((cluster) => [cluster.name, cluster]));
  const addValues = compileValues(values, context.compiler);
  return findResources(generator, settings, context)
    .flatMap(({ status, name }) => decisionsIn(status, statusListKey || 'clusters', name))
    .flatMap((decision) => {
      const name = decision[matchKey];
      const cluster = typeof name === 'string' ? clusters.get(name) : undefined;
      if (cluster) return [addValues({ name: cluster.name, server: cluster.server, ...textsOf(decision) })];
      context.warnings.push(
        `clusterDecisionResource: cluster "${String(name)}" is not known to the hub and is passed over`,
      );
      return [];
    });
}

function findResources(
  { name, labelSelector, configMapRef }: ClusterDecisionResourceGenerator,
  { apiVersion, kind }: Record<string, string>,
  context: GeneratorContext,
): DecisionResource[] {
  if (!kind || !apiVersion?.includes('/'))
    throw new FleetError('Invalid', `ConfigMap ${configMapRef}: needs apiVersion, as group/version, and kind`);
  const selects = selectsAny(labelSelector);
  if ((name !== undefined && name !== '') === selects)
    throw new FleetError('Invalid', 'give either name or labelSelector of the resource, not both');
  const matches = compileSelector(labelSelector, { anyValue: false });
  const found = context
    .decisions(apiVersion, kind)
    .filter((one) => (selects ? matches(one.labels) : one.name === name));
  if (found.length > 0) return found;
  throw new FleetError(
    'NotFound',
    `no ${kind} of ${apiVersion} that is asked for is on the hub: apply it with the label wheelhouse.dev/cluster-decisions: "true"`,
  );
}

function selectsAny(selector: ClusterDecisionResourceGenerator['labelSelector']): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0;
}

function decisionsIn(status: DecisionResource['status'], key: string, name: string): Decision[] {
  const list = status[key] ?? [];
  if (!Array.isArray(list)) throw new FleetError('Invalid', `${name}: status.${key} is not a list`);
  return list.filter((one): one is Decision => typeof one === 'object' && one !== null);
}

function textsOf(decision: Decision): Parameters {
  return Object.fromEntries(
    Object.entries(decision).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
