import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { AssignedOperation, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { applicationSetController } from '@wheelhouse/shared/protocol/rollout-operation';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import { type Applications, type IndexedApplication, idOf } from '../assign/applications.ts';
import type { Resolution } from '../assign/resolve.ts';
import type { Derived } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecStore } from '../store/specs.ts';
import type { AppCondition, AppFacts, MemberFacts } from './facts.ts';
import type { Pin, RolloutRecord } from './record.ts';
import type { RolloutObject, Rollouts } from './rollouts.ts';

export interface GatherDeps {
  applications: Pick<Applications, 'list' | 'find'>;
  rollouts: Rollouts;
  derived: Pick<Derived, 'evaluation'>;
  documents: { find(cluster: string): Promise<{ document: AssignmentDocument } | undefined> };
  statuses: { find(cluster: string, app: string): { status: AppStatus } | undefined };
  clusters: { find(name: string): { state: string; labels: Readonly<Record<string, string>> } | undefined };
  operations(app: string): AssignedOperation[];
  specs: Pick<SpecStore, 'list'>;
  resolve(app: IndexedApplication): Resolution;
}

/** What a rollout takes, and what stands against it. */
export interface Gathered {
  apps: IndexedApplication[];
  members: MemberFacts[];
  /** Applications with a pin that belong to it and cannot be placed now. */
  away: ReadonlySet<string>;
  invalid?: string;
}

const documentReads = 16;
/** An operation lives this long: when it was asked for follows from its end. */
const operationTtlMs = 60 * 60_000;

export async function gather(object: RolloutObject, record: RolloutRecord, deps: GatherDeps): Promise<Gathered> {
  const candidates = candidatesOf(object, deps).filter((app) => isPlaced(app, record));
  const apps = candidates.filter((app) => deps.rollouts.governorOf(app) === object.key);
  const assigned = await readAssigned(
    apps.filter((app) => !record.pins[app.id]?.now),
    deps,
  );
  const members = membersOf(object, { apps, facts: (app) => factsOf(app, { record, assigned, deps }) }, deps);
  const invalid = whyInvalid(object, candidates.length - apps.length, deps);
  const away = awayOf(object, { record, apps }, deps);
  return { apps, members, away, ...(invalid === undefined ? {} : { invalid }) };
}

/**
 * Applications with a pin that do not take part now and did not go: their destination is unknown for the moment, or
 * what generates them was not evaluated (a hub that began anew). Absence does not take their pins away.
 */
export function awayOf(
  object: RolloutObject,
  { record, apps }: { record: RolloutRecord; apps: readonly IndexedApplication[] },
  deps: Pick<GatherDeps, 'applications' | 'derived' | 'rollouts' | 'specs'>,
): Set<string> {
  const present = new Set(apps.map(({ id }) => id));
  const mayCome = isUnevaluated(object, deps);
  const isAway = (id: string) => {
    const app = deps.applications.find(id);
    return app ? deps.rollouts.governorOf(app) === object.key : mayCome;
  };
  return new Set(Object.keys(record.pins).filter((id) => !present.has(id) && isAway(id)));
}

/** Whether an ApplicationSet that may generate Applications of it has no evaluation. */
export function isUnevaluated(
  { namespace, applicationSet }: Pick<RolloutObject, 'namespace' | 'applicationSet'>,
  { derived, specs }: Pick<GatherDeps, 'derived' | 'specs'>,
): boolean {
  const sets = specs.list('ApplicationSet').map(({ resource }) => [namespaceOf(resource), nameOf(resource)] as const);
  return sets
    .filter(([of, name]) => (applicationSet === undefined ? of === namespace : applicationSet === `${of}/${name}`))
    .some(([of, name]) => !derived.evaluation(of, name));
}

/**
 * Applications that cannot be anywhere, or that only the hub carries out, take no part. One that took part and has a
 * problem now is still there: a step must not count as proved because its project was away for a moment.
 */
function isPlaced(app: IndexedApplication, { pins }: RolloutRecord): boolean {
  return app.cluster !== undefined && !app.hubOnly && (!app.problem || pins[app.id] !== undefined);
}

export function candidatesOf(
  object: RolloutObject,
  deps: Pick<GatherDeps, 'applications' | 'derived'>,
): IndexedApplication[] {
  if (object.applicationSet === undefined) return [...deps.applications.list()].filter(object.selects);
  const [namespace = '', name = ''] = object.applicationSet.split('/');
  const generated: Application[] = deps.derived.evaluation(namespace, name)?.applications ?? [];
  return generated.flatMap((application) => deps.applications.find(idOf(application)) ?? []).filter(object.selects);
}

function whyInvalid(object: RolloutObject, foreign: number, { rollouts }: GatherDeps): string | undefined {
  if (object.invalid !== undefined) return object.invalid;
  if (foreign === 0) return undefined;
  const others = rollouts.list().filter((other) => other.key !== object.key && overlaps(object, other));
  const names = others.map(({ kind, name }) => `${kind} ${name}`).join(', ') || 'another rollout';
  return `${foreign} of its Applications are under ${names} already: an Application can be under one rollout only`;
}

function overlaps(object: RolloutObject, other: RolloutObject): boolean {
  const isSameSet = object.applicationSet !== undefined && object.applicationSet === other.applicationSet;
  return isSameSet || object.applicationSet === undefined || other.applicationSet === undefined;
}

/** What the documents of their clusters hold of Applications that the rollout knows nothing of yet. */
async function readAssigned(apps: readonly IndexedApplication[], deps: GatherDeps): Promise<Map<string, Pin>> {
  const wanted = new Set(apps.map((app) => app.id));
  const clusters = [...new Set(apps.flatMap((app) => app.cluster ?? []))];
  const pins = new Map<string, Pin>();
  await mapLimit(clusters, documentReads, async (cluster) => {
    const found = await deps.documents.find(cluster);
    for (const { app, bundle, revision } of found?.document.apps ?? [])
      if (wanted.has(app)) pins.set(app, { bundle, revision });
  });
  return pins;
}

interface FactsInput {
  record: RolloutRecord;
  assigned: ReadonlyMap<string, Pin>;
  deps: GatherDeps;
}

function factsOf(app: IndexedApplication, { record, assigned, deps }: FactsInput): AppFacts {
  const resolution = deps.resolve(app);
  const status = deps.statuses.find(app.cluster ?? '', app.id)?.status;
  const pin = assigned.get(app.id);
  const began = record.run ? Date.parse(record.run.startedAt) : 0;
  const ours = [record.key, applicationSetController];
  const asked = deps
    .operations(app.id)
    .some(
      ({ type, by, expiresAt }) =>
        type === 'sync' && !ours.includes(by) && Date.parse(expiresAt) - operationTtlMs >= began,
    );
  return {
    id: app.id,
    ...(resolution.app ? { newest: { bundle: resolution.app.bundle, revision: resolution.app.revision } } : {}),
    ...(resolution.traceparent ? { traceparent: resolution.traceparent } : {}),
    ...(pin ? { assigned: pin } : {}),
    ...(status && !status.removed ? { status: conditionOf(status) } : {}),
    ...(asked ? { asked } : {}),
  };
}

function conditionOf({ bundle, sync, health, operation, firstBad }: AppStatus): AppCondition {
  const message = health.message ?? firstBad?.message;
  return {
    bundle,
    sync,
    health: health.status,
    ...(message === undefined ? {} : { message }),
    ...(operation
      ? { operation: { phase: operation.phase, revision: operation.revision, message: operation.message } }
      : {}),
  };
}

interface MembersInput {
  apps: readonly IndexedApplication[];
  facts(app: IndexedApplication): AppFacts;
}

function membersOf(object: RolloutObject, { apps, facts }: MembersInput, deps: GatherDeps): MemberFacts[] {
  const online = (cluster: string) => deps.clusters.find(cluster)?.state === 'Connected';
  if (object.kind === 'RollingSync')
    return apps.map((app) => ({
      id: app.id,
      labels: app.application.metadata.labels ?? {},
      online: online(app.cluster ?? ''),
      apps: [facts(app)],
    }));
  const clusters = new Map<string, MemberFacts>();
  for (const app of apps) {
    const name = app.cluster ?? '';
    const member = clusters.get(name) ?? {
      id: name,
      labels: deps.clusters.find(name)?.labels ?? {},
      online: online(name),
      apps: [],
    };
    member.apps.push(facts(app));
    clusters.set(name, member);
  }
  return [...clusters.values()];
}
