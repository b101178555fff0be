/**
 * Applications that see other labels of clusters than these have: an evaluation is made once more for each selector that may
 * concern the set, with the labels as such Applications see them, and each Application is taken from the evaluation that is its own.
 * One that fails fails all, so that nothing is removed. Pure but for what `evaluate` does.
 */
import { type LabelRequirement, matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { projectNameOf } from '@wheelhouse/shared/resources/defaults';
import { labelsFor } from '../fleet/app-labels.ts';
import { nameOf } from '../store/specs.ts';
import type { ItemError } from './evaluate.ts';
import type { Evaluation } from './generate.ts';
import type { GeneratorCluster, Reads } from './generators/context.ts';

/** Labels that every generated Application can be selected by, besides those of its template. */
const setLabel = 'wheelhouse.dev/applicationset';
const projectLabel = 'wheelhouse.dev/project';

export interface Layer {
  apps: string;
  clusters: GeneratorCluster[];
  selects(application: Application): boolean;
}

/** What concerns this set, what was changed last at the end. */
export function layersOf(applicationSet: ApplicationSet, clusters: readonly GeneratorCluster[]): Layer[] {
  const changedAt = new Map<string, string>();
  for (const { apps, at } of clusters.flatMap(({ appLabels = [] }) => appLabels))
    if (at > (changedAt.get(apps) ?? '')) changedAt.set(apps, at);
  return [...changedAt]
    .filter(([apps]) => mayConcern(applicationSet, apps))
    .sort(([a, atA], [b, atB]) => (atA === atB ? (a < b ? -1 : 1) : atA < atB ? -1 : 1))
    .map(([apps]) => ({
      apps,
      clusters: clusters.map((cluster) => ({ ...cluster, labels: labelsFor(cluster, apps) })),
      selects: compileAppSelector(applicationSet, apps),
    }));
}

/** By the labels that the template gives, the name of the set and the project. */
export function compileAppSelector(applicationSet: ApplicationSet, apps: string): Layer['selects'] {
  const requirements = parseSelector(apps);
  const set = nameOf(applicationSet);
  return ({ metadata, spec }) =>
    matchesSelector(requirements, { ...metadata.labels, [setLabel]: set, [projectLabel]: projectNameOf(spec) });
}

/** False only where no Application of the set can match, whatever its generators give. */
export function mayConcern(applicationSet: ApplicationSet, apps: string): boolean {
  return parseSelector(apps).every((requirement) => mayMatch(applicationSet, requirement));
}

function mayMatch(applicationSet: ApplicationSet, requirement: LabelRequirement): boolean {
  const { key } = requirement;
  const fixed = fixedLabel(applicationSet, key);
  if (fixed === 'open') return true;
  return matchesSelector([requirement], fixed.value === undefined ? {} : { [key]: fixed.value });
}

/** The value that a label has in every Application of a set (undefined: it has none), where that is certain. */
function fixedLabel(applicationSet: ApplicationSet, key: string): 'open' | { value: string | undefined } {
  const { spec } = applicationSet;
  if (key === setLabel) return { value: nameOf(applicationSet) };
  if (spec.templatePatch || spec.generators.some(hasTemplate)) return 'open';
  if (key === projectLabel) return fixedText(projectNameOf(spec.template.spec));
  const labels: Readonly<Record<string, string>> = spec.template.metadata.labels ?? {};
  if (Object.keys(labels).some((name) => name.includes('{{'))) return 'open';
  return fixedText(labels[key]);
}

function fixedText(value: string | undefined): 'open' | { value: string | undefined } {
  return value?.includes('{{') ? 'open' : { value };
}

function hasTemplate(generator: object): boolean {
  return Object.values(generator).some(
    (kind: unknown) => typeof kind === 'object' && kind !== null && 'template' in kind,
  );
}

/** `evaluate` makes an evaluation with other clusters. */
export async function addLayers(
  base: Evaluation,
  layers: readonly Layer[],
  evaluate: (layer: Layer) => Promise<Evaluation>,
): Promise<Evaluation> {
  const ownerOf = (application: Application) => layers.findLastIndex(({ selects }) => selects(application));
  const parts = [partOf(base, (application) => ownerOf(application) === -1)];
  for (const [index, layer] of layers.entries()) {
    const evaluation = await evaluate(layer);
    if (evaluation.failed) return { ...evaluation, reads: mergeReads(base.reads, evaluation.reads) };
    parts.push(partOf(evaluation, (application) => ownerOf(application) === index));
  }
  return joinParts(parts);
}

function partOf(evaluation: Evaluation, isMine: (application: Application) => boolean): Evaluation {
  return { ...evaluation, applications: evaluation.applications.filter(isMine) };
}

/** An error keeps an Application as it was, so one is kept unless the Application was made where it belongs. */
function joinParts(parts: readonly Evaluation[]): Evaluation {
  const all = parts.flatMap(({ applications }) => applications);
  const times = new Map<string, number>();
  for (const { metadata } of all) times.set(metadata.name, (times.get(metadata.name) ?? 0) + 1);
  const isTwice = (name: string) => (times.get(name) ?? 0) > 1;
  const applications = all.filter(({ metadata }) => !isTwice(metadata.name));
  const made = new Set(applications.map(({ metadata }) => metadata.name));
  const errors = [
    ...parts.flatMap((one) => one.errors).filter(({ application = '' }) => !made.has(application)),
    ...[...times.keys()].filter(isTwice).map(twice),
  ];
  return {
    applications,
    errors: [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()],
    reads: parts.map(({ reads }) => reads).reduce(mergeReads),
    warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))],
  };
}

function twice(application: string): ItemError {
  return {
    application,
    code: 'DuplicateApplication',
    message: `application ${application} is given for several clusters, as some Applications see other labels of clusters ('wheelhouse cluster get' shows them): select them by labels that do not depend on the cluster`,
  };
}

function mergeReads(a: Reads, b: Reads): Reads {
  const repositories = new Map([...a.repositories, ...b.repositories].map((read) => [JSON.stringify(read), read]));
  return {
    repositories: [...repositories.values()],
    clusters: a.clusters || b.clusters,
    settings: [...new Set([...a.settings, ...b.settings])],
  };
}
