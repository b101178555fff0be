import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { FleetCluster } from '../fleet/clusters.ts';
import { budgetOf, projectsOf } from '../generate/deletion-budget.ts';
import { whyOverloaded } from './capacity.ts';
import type { SetOutcome } from './dry-run.ts';
import type { Impact } from './impact.ts';
import type { Capacity, Finding, LabelChange, Placement } from './plan-record.ts';

export interface FindingsInput {
  outcomes: readonly SetOutcome[];
  impact: Impact;
  capacity: readonly Capacity[];
  labels: readonly LabelChange[];
  /** Selector of the Applications that alone see the labels. */
  apps: string | undefined;
  findCluster(name: string): FleetCluster | undefined;
  plainOn(cluster: string): string[];
  project(name: string): AppProject | undefined;
}

/** What a person should know before a plan begins, the worst first. Pure. */
export function findingsOf(input: FindingsInput): Finding[] {
  const { impact } = input;
  const findings = [
    ...failedSets(input.outcomes),
    ...emptied(impact),
    ...staleDestinations(input),
    ...offlineSources(input),
    ...overloads(input),
    ...stateful(impact),
    ...never(impact),
    ...impact.problems.map((message) => finding('warning', 'NeverMoved', message)),
    ...budgets(input),
    ...plain(input),
    ...otherLabels(input),
  ];
  return findings.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

const severities: readonly Finding['severity'][] = ['blocks', 'warning', 'info'];

export function finding(severity: Finding['severity'], code: Finding['code'], message: string): Finding {
  return { severity, code, message };
}

export function failedSets(outcomes: readonly SetOutcome[]): Finding[] {
  return outcomes.flatMap(({ set, problem }) =>
    problem === undefined
      ? []
      : finding(
          'blocks',
          'GeneratorFailed',
          `ApplicationSet ${set} cannot be evaluated, so nothing is known of it: ${problem}`,
        ),
  );
}

function emptied({ emptied: gone }: Impact): Finding[] {
  if (gone.length === 0) return [];
  const names = listed(gone.map(({ app, cluster }) => `${app} (${cluster})`));
  return [finding('blocks', 'EmptiesPlacement', `${count(gone.length)} would run nowhere any more: ${names}`)];
}

function staleDestinations({ impact, findCluster }: FindingsInput): Finding[] {
  return [...byCluster(impact.arrives)].flatMap(([name, arrives]) => {
    const cluster = findCluster(name);
    if (cluster?.state === 'Connected') return [];
    const seen = cluster?.lastSeenAt ? `last heard of at ${cluster.lastSeenAt}` : 'never heard of';
    const what = `${count(arrives.length)} would go to cluster ${name}, which is ${cluster?.state ?? 'unknown'} (${seen})`;
    return finding('blocks', 'StaleDestination', what);
  });
}

function offlineSources({ impact, findCluster }: FindingsInput): Finding[] {
  return [...byCluster(impact.leaves)].flatMap(([name, leaves]) => {
    const cluster = findCluster(name);
    if (!cluster || cluster.state === 'Connected') return [];
    const what = `cluster ${name} is ${cluster.state} since ${cluster.lastSeenAt ?? 'it enrolled'}: ${count(leaves.length)} may go on running there until it is heard of again, and leave before anything else then`;
    return finding('warning', 'OfflineSource', what);
  });
}

function overloads({ capacity }: FindingsInput): Finding[] {
  return capacity.flatMap((one) => {
    const overload = whyOverloaded(one);
    if (overload !== undefined) return finding('blocks', 'Overload', overload);
    if (!one.free)
      return finding(
        'info',
        'CapacityUnknown',
        `cluster ${one.cluster} has not said what it has left: nobody knows whether what arrives fits`,
      );
    if (one.unknown === 0) return [];
    return finding(
      'info',
      'CapacityUnknown',
      `${count(one.unknown)} that arrive at ${one.cluster} were not rendered yet: what they ask for is not known`,
    );
  });
}

function stateful({ leaves }: Impact): Finding[] {
  const found = leaves.filter((one) => one.stateful);
  if (found.length === 0) return [];
  const risky = found.filter(({ policy }) => policy !== 'Never').length;
  const what =
    risky > 0 ? `; ${risky} of them are withdrawn at the source, and their volumes with them unless they are kept` : '';
  return [
    finding(
      'warning',
      'Stateful',
      `${count(found.length)} with volumes, whose data does not move: ${listed(found.map(({ app }) => app))}${what}`,
    ),
  ];
}

function never({ leaves }: Impact): Finding[] {
  const kept = leaves.filter(({ policy }) => policy === 'Never');
  if (kept.length === 0) return [];
  const names = listed(kept.map(({ app }) => app));
  return [
    finding(
      'warning',
      'NeverMoved',
      `${count(kept.length)} of policy Never ${kept.length === 1 ? 'stays' : 'stay'} at the source until a person withdraws ${kept.length === 1 ? 'it' : 'them'}: ${names}`,
    ),
  ];
}

/** A person who starts the plan lets exactly these removals go; beyond the budget that is worth a word. */
function budgets({ outcomes, impact, project }: FindingsInput): Finding[] {
  return outcomes.flatMap(({ set, applicationSet, before }) => {
    const leaving = impact.leaves.filter((one) => one.set === set).length;
    const {
      count: most,
      percent,
      always,
    } = budgetOf(applicationSet, projectsOf(applicationSet, { has: before, find: project }));
    const beyond = leaving > most || (leaving > always && (leaving / before.length) * 100 > percent);
    if (!beyond) return [];
    return finding(
      'info',
      'DeletionBudget',
      `ApplicationSet ${set} loses ${leaving} of ${before.length} places, its deletion budget is ${most} and ${percent} %: starting the plan releases exactly these`,
    );
  });
}

/** A change of a cluster's own labels passes by those who see others. */
function otherLabels({ labels, apps, findCluster }: FindingsInput): Finding[] {
  if (apps !== undefined) return [];
  return labels.flatMap(({ cluster, key }) =>
    (findCluster(cluster)?.appLabels ?? [])
      .filter((one) => Object.hasOwn(one.labels, key))
      .map((one) => {
        const seen = one.labels[key] === null ? `no ${key}` : `${key}=${one.labels[key]}`;
        return finding(
          'info',
          'OtherLabels',
          `Applications of '${one.apps}' see ${seen} on ${cluster} since ${one.at}, and do not follow`,
        );
      }),
  );
}

function plain({ impact, plainOn, apps }: FindingsInput): Finding[] {
  if (apps !== undefined) return [];
  return [...byCluster(impact.leaves).keys()].flatMap((name) => {
    const apps = plainOn(name);
    if (apps.length === 0) return [];
    return finding(
      'info',
      'NotGenerated',
      `${count(apps.length)} on ${name} name it themselves and stay: ${listed(apps)}`,
    );
  });
}

function byCluster(placements: readonly Placement[]): Map<string, Placement[]> {
  return Map.groupBy(placements, ({ cluster }) => cluster);
}

function count(number: number): string {
  return number === 1 ? '1 Application' : `${number} Applications`;
}

function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return names.slice(0, 5).join(', ') + more;
}
