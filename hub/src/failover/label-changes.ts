import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Labelling } from './dry-run.ts';

export interface FailoverRequest {
  /** Selectors of clusters, as kubectl writes them. */
  from: string;
  to: string;
  /** Selector of the Applications that alone move; all when absent. */
  apps?: string;
  /** Labels that both sides exchange; found by what the ApplicationSets select when absent. */
  labels?: readonly string[];
  /** Instead of an exchange: labels of each side; null removes one. */
  setFrom?: Readonly<Record<string, string | null>>;
  setTo?: Readonly<Record<string, string | null>>;
}

export interface LabelledCluster {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/**
 * The labels that a failover changes: clusters of `from` and of `to` exchange the labels that place Applications
 * (`role=active` against `role=standby`), or get those that are given. Throws Invalid with the way out.
 */
export function failoverLabels(
  request: FailoverRequest,
  clusters: readonly LabelledCluster[],
  sets: readonly ApplicationSet[],
): Labelling {
  const [from, to] = [select(request.from, clusters), select(request.to, clusters)];
  const both = from.filter(({ name }) => to.some((cluster) => cluster.name === name));
  if (both.length > 0)
    throw new FleetError(
      'Invalid',
      `a failover onto itself: ${listed(both)} matches both '${request.from}' and '${request.to}'`,
    );
  if (request.setFrom || request.setTo) return given(request, from, to);
  const keys = request.labels ?? [inferKey(request, { from, to, sets })];
  const labelling = new Map<string, Record<string, string | null>>();
  for (const key of keys) {
    const [own, other] = [commonValue(key, from, request.from), commonValue(key, to, request.to)];
    if (own === other)
      throw new FleetError(
        'Invalid',
        `clusters of '${request.from}' and of '${request.to}' have the same ${key}=${own ?? '(none)'}: there is nothing to exchange; name other labels with --label, or give them with --set-from and --set-to`,
      );
    for (const { name } of from) labelling.set(name, { ...labelling.get(name), [key]: other });
    for (const { name } of to) labelling.set(name, { ...labelling.get(name), [key]: own });
  }
  return labelling;
}

function given(request: FailoverRequest, from: LabelledCluster[], to: LabelledCluster[]): Labelling {
  return new Map([
    ...from.map(({ name }) => [name, request.setFrom ?? {}] as const),
    ...to.map(({ name }) => [name, request.setTo ?? {}] as const),
  ]);
}

function select(selector: string, clusters: readonly LabelledCluster[]): LabelledCluster[] {
  const requirements = parseSelector(selector);
  if (requirements.length === 0)
    throw new FleetError('Invalid', 'say which clusters: a selector of a failover is empty');
  const found = clusters.filter(({ labels }) => matchesSelector(requirements, labels));
  if (found.length === 0)
    throw new FleetError('Invalid', `no cluster has labels '${selector}': see 'wheelhouse cluster list'`);
  return found;
}

function commonValue(key: string, clusters: readonly LabelledCluster[], selector: string): string | null {
  const values = new Set(clusters.map(({ labels }) => labels[key] ?? null));
  const [value = null] = values;
  if (values.size === 1) return value;
  throw new FleetError(
    'Invalid',
    `clusters of '${selector}' differ in ${key} (${namesOf(values)}): give the labels with --set-from and --set-to`,
  );
}

interface Sides {
  from: readonly LabelledCluster[];
  to: readonly LabelledCluster[];
  sets: readonly ApplicationSet[];
}

/** The one label by which ApplicationSets select clusters, in which both sides differ, and which is no fact of a side. */
function inferKey(request: FailoverRequest, { from, to, sets }: Sides): string {
  const facts = factsOf(request);
  const selected = [...new Set(sets.flatMap(({ spec }) => selectedKeys(spec.generators)))];
  const differs = (key: string) => {
    const values = [from, to].map((side) => new Set(side.map(({ labels }) => labels[key] ?? null)));
    return values.every(({ size }) => size === 1) && [...(values[0] ?? [])][0] !== [...(values[1] ?? [])][0];
  };
  const open = selected.filter((key) => !facts.has(key));
  const candidates = open.filter(differs);
  const [key] = candidates;
  if (candidates.length === 1 && key !== undefined) return key;
  const reason =
    candidates.length > 1
      ? `the ApplicationSets select by several labels in which both sides differ: ${candidates.join(', ')}`
      : `no label besides ${[...facts].join(', ')} by which an ApplicationSet selects clusters differs between both sides${mixedOf(open, request, { from, to })}`;
  throw new FleetError(
    'Invalid',
    `${reason}; name the labels to exchange with --label, or give them with --set-from and --set-to`,
  );
}

/** Labels that would be meant if all clusters of a side had the same: a selector often takes more clusters than was thought. */
function mixedOf(keys: readonly string[], request: FailoverRequest, { from, to }: Pick<Sides, 'from' | 'to'>): string {
  const sides = [
    { selector: request.from, clusters: from },
    { selector: request.to, clusters: to },
  ];
  const mixed = keys.flatMap((key) =>
    sides.flatMap(({ selector, clusters }) => {
      const values = new Set(clusters.map(({ labels }) => labels[key] ?? null));
      return values.size > 1 ? `clusters of '${selector}' differ in ${key} (${namesOf(values)})` : [];
    }),
  );
  return mixed.length > 0 ? `, and ${mixed.slice(0, 3).join(', ')}` : '';
}

function namesOf(values: Iterable<string | null>): string {
  return [...values].map((one) => one ?? 'none').join(', ');
}

/** What a selector asks to have a certain value says what a side is, not what it runs. */
function factsOf({ from, to }: FailoverRequest): Set<string> {
  const requirements = [...parseSelector(from), ...parseSelector(to)];
  return new Set(requirements.filter(({ operator }) => operator === 'In').map(({ key }) => key));
}

interface SelectingGenerator {
  clusters?: { selector?: { matchLabels?: object; matchExpressions?: readonly { key: string }[] } };
  matrix?: { generators: readonly unknown[] };
  merge?: { generators: readonly unknown[] };
}

function selectedKeys(generators: readonly unknown[]): string[] {
  return (generators as readonly SelectingGenerator[]).flatMap(({ clusters, matrix, merge }) => [
    ...keysOf(clusters?.selector ?? {}),
    ...selectedKeys([...(matrix?.generators ?? []), ...(merge?.generators ?? [])]),
  ]);
}

function keysOf({
  matchLabels = {},
  matchExpressions = [],
}: NonNullable<NonNullable<SelectingGenerator['clusters']>['selector']>): string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
}

function listed(clusters: readonly LabelledCluster[]): string {
  return clusters.map(({ name }) => name).join(', ');
}
