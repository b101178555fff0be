/** What other labels would make of every ApplicationSet that reads clusters. Writes nothing. */
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { nextAppLabels } from '../fleet/app-labels.ts';
import { type GeneratorCluster, generate } from '../generate/generate.ts';
import type { GenerateDeps } from '../generate/generate-stage.ts';
import { mayConcern } from '../generate/layers.ts';
import { type SettleInput, settleEvaluation } from '../generate/settle-evaluation.ts';
import type { Snapshot } from '../source/source.ts';
import type { Derived, StoredEvaluation } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecStore } from '../store/specs.ts';

export interface DryRunDeps {
  specs: Pick<SpecStore, 'list'>;
  derived: Pick<Derived, 'evaluation'>;
  clusters(): GeneratorCluster[];
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
  ownerOf: SettleInput['ownerOf'];
  /** Code hosts, plugins and settings, for one set. */
  outside: GenerateDeps['outside'];
  newGitFileGlobbing: boolean;
}

export interface SetOutcome {
  /** `namespace/name`. */
  set: string;
  applicationSet: ApplicationSet;
  stored: StoredEvaluation | undefined;
  /** With the labels of now, and with those that would be. */
  before: Application[];
  after: Application[];
  /** It cannot be evaluated. */
  problem?: string;
}

/** A change of labels and annotations of clusters. */
export interface Relabelling {
  labels: Labelling;
  annotations?: Labelling;
  /** Only Applications of this selector see these labels. */
  apps?: string;
}

export type Labelling = ReadonlyMap<string, Readonly<Record<string, string | null>>>;

/** Evaluates each set twice, so that what Git changed meanwhile is not taken for an effect of the labels. */
export async function dryRun(change: Relabelling, deps: DryRunDeps, signal: AbortSignal): Promise<SetOutcome[]> {
  const { apps } = change;
  const now = deps.clusters();
  const then = relabel(now, change);
  const outcomes: SetOutcome[] = [];
  for (const { resource, deleting } of deps.specs.list('ApplicationSet')) {
    // nothing is generated for one that is on its way out
    if (deleting || (apps !== undefined && !mayConcern(resource as ApplicationSet, apps))) continue;
    const stored = deps.derived.evaluation(namespaceOf(resource), nameOf(resource));
    if (stored?.reads.clusters === false) continue;
    const applicationSet = resource as ApplicationSet;
    const evaluate = async (clusters: readonly GeneratorCluster[]) =>
      await evaluateSet({ applicationSet, stored, clusters }, deps, signal);
    const set = `${namespaceOf(resource)}/${nameOf(resource)}`;
    try {
      outcomes.push({ set, applicationSet, stored, before: await evaluate(now), after: await evaluate(then) });
    } catch (error) {
      signal.throwIfAborted();
      outcomes.push({ set, applicationSet, stored, before: [], after: [], problem: toFleetError(error).message });
    }
  }
  return outcomes;
}

/** What these sets (`namespace/name`) give by the labels of now, without what plans keep. */
export async function evaluateSets(
  sets: ReadonlySet<string>,
  deps: DryRunDeps,
  signal: AbortSignal,
): Promise<{ set: string; applications: Application[]; problem?: string }[]> {
  const outcomes: { set: string; applications: Application[]; problem?: string }[] = [];
  for (const { resource, deleting } of deps.specs.list('ApplicationSet')) {
    const set = `${namespaceOf(resource)}/${nameOf(resource)}`;
    if (deleting || !sets.has(set)) continue;
    const applicationSet = resource as ApplicationSet;
    const stored = deps.derived.evaluation(namespaceOf(resource), nameOf(resource));
    try {
      const applications = await evaluateSet({ applicationSet, stored, clusters: deps.clusters() }, deps, signal);
      outcomes.push({ set, applications });
    } catch (error) {
      signal.throwIfAborted();
      outcomes.push({ set, applications: [], problem: toFleetError(error).message });
    }
  }
  return outcomes;
}

interface Evaluating {
  applicationSet: ApplicationSet;
  stored: StoredEvaluation | undefined;
  clusters: readonly GeneratorCluster[];
}

/** Throws what keeps it from being evaluated. */
async function evaluateSet(
  { applicationSet, stored, clusters }: Evaluating,
  deps: DryRunDeps,
  signal: AbortSignal,
): Promise<Application[]> {
  const evaluation = await generate({
    applicationSet,
    clusters,
    git: { snapshot: deps.snapshot },
    outside: deps.outside(applicationSet, signal),
    newGitFileGlobbing: deps.newGitFileGlobbing,
    signal,
  });
  if (evaluation.failed) throw evaluation.failed;
  return settleEvaluation({ applicationSet, before: stored, evaluation, ownerOf: deps.ownerOf }).fresh;
}

/** What is seen by some Applications only counts as the last change: it comes after what there is. */
export function relabel(clusters: readonly GeneratorCluster[], change: Relabelling): GeneratorCluster[] {
  return clusters.map((cluster) => annotated(labelled(cluster, change), change));
}

function labelled(cluster: GeneratorCluster, { labels, apps }: Relabelling): GeneratorCluster {
  const changes = labels.get(cluster.name);
  if (!changes) return cluster;
  if (apps === undefined) return { ...cluster, labels: applyChanges(cluster.labels, changes) };
  return { ...cluster, appLabels: nextAppLabels(cluster, { apps, labels: changes }, { at: lastOfAll, by: '' }) };
}

function annotated(cluster: GeneratorCluster, { annotations }: Relabelling): GeneratorCluster {
  const changes = annotations?.get(cluster.name);
  return changes ? { ...cluster, annotations: applyChanges(cluster.annotations, changes) } : cluster;
}

/** Later than any moment of RFC 3339. */
const lastOfAll = 'future';

function applyChanges(
  present: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const entries = Object.entries({ ...present, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(entries);
}
