import { type FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatRef, type GroupKind, type KubeObject, type ObjectRef, refOf } from '@wheelhouse/shared/kube/object';
import {
  maxOrphanBytes,
  maxOrphans,
  type OrphanedResource,
  type OrphanReport,
} from '@wheelhouse/shared/protocol/orphans';
import type { ApiResource, Cluster } from '../cluster/cluster.ts';
import { trackedBy } from '../watch/live-entry.ts';
import { type OrphanRules, surveyedKinds } from './orphan-rules.ts';

/** What the Applications of this cluster call their own, whichever project they are of. */
export interface Claims {
  apps: ReadonlySet<string>;
  /** `formatRef` of what they desire or have applied, tracked or not. */
  keys: ReadonlySet<string>;
}

export interface SurveyDeps {
  cluster: Pick<Cluster, 'resources' | 'listMetadata'>;
  claims: Claims;
}

/** One namespace, and the rules of the projects that ask about it. */
export interface SurveyedNamespace {
  namespace: string;
  rules: ReadonlyMap<string, OrphanRules>;
}

/** By namespace and project. Throws what kept it from looking at anything. */
export type Survey = Map<string, Map<string, OrphanReport>>;

/** Looks once through the namespaces, one request at a time: what it costs the API server is spread out, and nothing is kept. */
export async function surveyNamespaces(
  deps: SurveyDeps,
  namespaces: readonly SurveyedNamespace[],
  signal: AbortSignal,
): Promise<Survey> {
  // workloads first: what they leave in their namespace is known by their names
  const kinds = surveyedKinds(await deps.cluster.resources(signal)).sort((a, b) => rankOf(a) - rankOf(b));
  const survey: Survey = new Map();
  for (const one of namespaces) survey.set(one.namespace, await surveyNamespace(deps, one, { kinds, signal }));
  return survey;
}

function rankOf({ group, kind }: GroupKind): number {
  return group === 'apps' && kind === 'StatefulSet' ? 0 : 1;
}

interface Look {
  deps: SurveyDeps;
  namespace: string;
  tallies: readonly { project: string; rule: OrphanRules; tally: Tally }[];
  /** Names of those that were seen. */
  statefulSets: Set<string>;
}

async function surveyNamespace(
  deps: SurveyDeps,
  { namespace, rules }: SurveyedNamespace,
  { kinds, signal }: { kinds: readonly ApiResource[]; signal: AbortSignal },
): Promise<Map<string, OrphanReport>> {
  const tallies = [...rules].map(([project, rule]) => ({ project, rule, tally: createTally() }));
  const look: Look = { deps, namespace, tallies, statefulSets: new Set() };
  const asked = kinds.filter((kind) => rankOf(kind) === 0 || tallies.some(({ rule }) => rule.kind(kind)));
  const failures: Failures = { kinds: [] };
  let isAnyListed = false;
  for (const kind of asked) {
    const error = await countKind(look, kind, signal);
    if (error) noteFailure(failures, kind, error);
    else isAnyListed = true;
  }
  if (!isAnyListed && failures.last && failures.last.code !== 'Forbidden') throw failures.last;
  const problem = describeFailures(failures, namespace);
  return new Map(tallies.map(({ project, tally }) => [project, { ...tally.report(), ...problem }]));
}

/** Returns why the kind could not be listed. */
async function countKind(look: Look, kind: ApiResource, signal: AbortSignal): Promise<FleetError | undefined> {
  const asking = look.tallies.filter(({ rule }) => rule.kind(kind));
  try {
    for await (const object of look.deps.cluster.listMetadata(kind, look.namespace, signal)) {
      const ref = refOf(object);
      if (rankOf(kind) === 0) look.statefulSets.add(ref.name);
      if (!isOrphan(object, ref, look)) continue;
      for (const { tally } of asking.filter(({ rule }) => rule.object(ref))) tally.add(object, ref);
    }
    return undefined;
  } catch (error) {
    const known = toFleetError(error);
    if (known.code === 'Aborted') throw known;
    return known;
  }
}

/** Argo CD: on top of its namespace, and part of no Application that exists. */
function isOrphan(
  object: KubeObject,
  ref: ObjectRef,
  { deps: { claims }, statefulSets }: Pick<Look, 'deps' | 'statefulSets'>,
): boolean {
  if (isOwned(object, ref, statefulSets)) return false;
  const app = trackedBy(object, ref);
  return !(app !== undefined && claims.apps.has(app)) && !claims.keys.has(formatRef(ref));
}

/** Argo CD: beside owner references it knows whose the volumes of a StatefulSet and the tokens of a ServiceAccount are. */
function isOwned(
  { metadata }: KubeObject,
  { group, kind, name }: ObjectRef,
  statefulSets: ReadonlySet<string>,
): boolean {
  const owners = metadata['ownerReferences'] as unknown[] | undefined;
  if (owners && owners.length > 0) return true;
  if (group !== '') return false;
  if (kind === 'Secret') return metadata.annotations?.['kubernetes.io/service-account.name'] !== undefined;
  return kind === 'PersistentVolumeClaim' && isVolumeOf(name, statefulSets);
}

/** Kubernetes: the volume of a StatefulSet is named `<template>-<set>-<ordinal>`. */
function isVolumeOf(claim: string, statefulSets: ReadonlySet<string>): boolean {
  const stem = /^(.+)-\d+$/.exec(claim)?.[1];
  if (stem === undefined) return false;
  for (let at = stem.indexOf('-'); at >= 0; at = stem.indexOf('-', at + 1))
    if (statefulSets.has(stem.slice(at + 1))) return true;
  return false;
}

interface Tally {
  add(object: KubeObject, ref: ObjectRef): void;
  report(): OrphanReport;
}

/** Counts all, and keeps as many as a status may carry. */
function createTally(): Tally {
  const items: OrphanedResource[] = [];
  let total = 0;
  let bytes = 0;
  return {
    add: ({ metadata }, ref) => {
      total += 1;
      const item = { ...ref, ...(metadata.creationTimestamp ? { createdAt: metadata.creationTimestamp } : {}) };
      bytes += JSON.stringify(item).length;
      if (items.length < maxOrphans && bytes <= maxOrphanBytes) items.push(item);
    },
    report: () => ({ total, items }),
  };
}

interface Failures {
  kinds: string[];
  last?: FleetError;
}

/** A kind that went away, or whose API cannot list, has nothing to tell; one that may not be listed might. */
function noteFailure(failures: Failures, kind: ApiResource, error: FleetError): void {
  if (error.code === 'NotFound' || error.details['reason'] === 'MethodNotAllowed') return;
  failures.kinds.push(kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`);
  failures.last = error;
}

const shownKinds = 10;
const maxMessage = 500;

function describeFailures({ kinds, last }: Failures, namespace: string): Pick<OrphanReport, 'problem'> {
  if (!last) return {};
  const more = kinds.length > shownKinds ? ` and ${kinds.length - shownKinds} more` : '';
  const what = `cannot list ${kinds.slice(0, shownKinds).join(', ')}${more} in namespace ${namespace}`;
  const grant = last.code === 'Forbidden' ? ': let the role of the agent list them' : '';
  return { problem: `${what}${grant}: ${last.message.slice(0, maxMessage)}` };
}
