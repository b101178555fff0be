import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { applicationSetController } from '@wheelhouse/shared/protocol/rollout-operation';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { IndexedApplication } from '../assign/applications.ts';
import type { Resolution } from '../assign/resolve.ts';
import type { Retention } from '../failover/retention.ts';
import { adoptedApplication } from '../fleet/adopted-application.ts';
import type { AdoptedApplication } from '../fleet/records.ts';
import { formatHydration, whyNotHydrated } from '../hydrate/hydration-status.ts';
import type { HydrationRecord } from '../hydrate/hydration-store.ts';
import { isRollingSyncKey } from '../rollout/gate.ts';
import type { Withdrawal } from '../store/additions.ts';
import type { Problem } from '../store/derived.ts';
import { type OrphansAgent, type OrphansView, orphanConditions, orphansOf } from './orphans.ts';
import { formatRevision, formatSources, formatSourceTypes } from './sources-view.ts';

/** An Application as people see it: Argo CD's object with its status filled in, and how old that status is. */
export interface ApplicationView {
  application: Application;
  cluster?: string;
  /** RFC 3339: when its spoke last looked. */
  observedAt?: string;
  ageMs?: number;
  /** Its cluster was not heard of for a while: the status says what was, not what is. */
  stale: boolean;
  /** Where its project asks for them. */
  orphans?: OrphansView;
}

export interface ViewInput {
  indexed: IndexedApplication;
  resolution: Resolution;
  status: AppStatus | undefined;
  /** Last sign of life of its cluster, ms since the epoch; undefined when never. */
  lastSeen: number | undefined;
  now: number;
  problems: Problem[];
  /** What the agent of its cluster said of itself last. */
  agent?: OrphansAgent;
  /** What was reported of orphaned resources with another Application like it. */
  reportedWith?: (app: string) => OrphanReport | undefined;
  /** Why a rollout keeps it from what Git gives. */
  whyWaiting?: () => string | undefined;
  /** Its set's RollingSync syncs it. */
  isRollingSync?: () => boolean;
  /** How far it is that its manifests are written to where it is deployed from. */
  hydration?: HydrationRecord | undefined;
  /** A plan that moves it away from its cluster. */
  leaving?: Retention | undefined;
}

/** Argo CD marks nothing as stale; 90 s is three missed heartbeats. */
const staleAfterMs = 90_000;

const conditionTypes: Partial<Record<string, string>> = {
  Invalid: 'InvalidSpecError',
  Unsupported: 'InvalidSpecError',
  NotPermitted: 'InvalidSpecError',
  UnknownDestination: 'InvalidSpecError',
  Malformed: 'InvalidSpecError',
};

type Seen = Pick<ViewInput, 'status' | 'lastSeen' | 'now'>;

/** Sync and health alone: what most filters and counts ask for. */
export interface Brief {
  sync: string;
  health: string;
  stale: boolean;
}

export function formatBrief(input: ViewInput): Brief {
  return { sync: formatSync(input), health: input.status?.health.status ?? 'Missing', stale: ageOf(input).stale };
}

export function formatView(input: ViewInput): ApplicationView {
  const { indexed } = input;
  const { seen, ageMs, stale } = ageOf(input);
  const orphans = orphansOf(input);
  return {
    application: { ...shownOf(input), status: formatStatus(input) } as Application,
    ...(indexed.cluster === undefined ? {} : { cluster: indexed.cluster }),
    ...(input.status ? { observedAt: new Date(seen).toISOString(), ageMs } : {}),
    stale,
    ...(orphans ? { orphans } : {}),
  };
}

/** A status is as old as the last sign of life of its cluster. */
function ageOf({ status, lastSeen, now }: ViewInput): { seen: number; ageMs: number; stale: boolean } {
  const seen = Math.max(lastSeen ?? 0, status ? Date.parse(status.observedAt) : 0);
  const ageMs = Math.max(0, now - seen);
  return { seen, ageMs, stale: status !== undefined && ageMs > staleAfterMs };
}

/** Argo CD: an Application that a RollingSync syncs has no automated sync of its own. */
function shownOf({ indexed: { application }, isRollingSync }: ViewInput): Application {
  const { syncPolicy } = application.spec;
  if (!syncPolicy?.automated || !isRollingSync?.()) return application;
  const { automated: _, ...others } = syncPolicy;
  return { ...application, spec: { ...application.spec, syncPolicy: others } };
}

/** An Application that is on its way out: what it last was, marked as being deleted. */
export function formatWithdrawnView(withdrawal: Withdrawal, seen: Seen): ApplicationView {
  const { application, cluster, at } = withdrawal;
  const indexed: IndexedApplication = {
    id: withdrawal.app,
    cluster,
    origin: { type: 'spec', warnings: [] },
    sources: [],
    application: { ...application, metadata: { ...application.metadata, deletionTimestamp: at } },
  };
  const view = formatView({
    indexed,
    resolution: { problems: [], warnings: [] },
    ...seen,
    problems: [],
  });
  const shown = view.application.status as { conditions: unknown[]; health: object; sync: object };
  const message = whyGoing(withdrawal, view);
  shown.conditions = [...shown.conditions, { type: 'DeletionInProgress', message }];
  // what a silent cluster was is no news: nobody knows whether it still runs there
  if (view.stale) {
    shown.health = { status: 'Unknown', message };
    shown.sync = { ...shown.sync, status: 'Unknown' };
  }
  return view;
}

function whyGoing({ cluster, reason }: Withdrawal, { stale, observedAt, application }: ApplicationView): string {
  if (!stale) return `${reason}; waiting for cluster ${cluster} to confirm`;
  const health = application.status?.health?.status ?? 'Unknown';
  return `${reason}; fenced: cluster ${cluster} is silent and withdraws it before anything else when it is back; was ${health} as of ${observedAt}`;
}

/** An Application that a cluster runs and that nothing explains: what its cluster says of it, and what to do. */
export function formatAdoptedView(adopted: AdoptedApplication & { cluster: string }, seen: Seen): ApplicationView {
  const { cluster, app } = adopted;
  const application = adoptedApplication(adopted, cluster);
  const indexed: IndexedApplication = {
    id: app,
    cluster,
    origin: { type: 'spec', warnings: [] },
    sources: [],
    application,
  };
  const resolution = { problems: [], warnings: [], revision: adopted.revision } as Resolution;
  const view = formatView({ indexed, resolution, ...seen, problems: [] });
  const shown = view.application.status as { conditions: unknown[] };
  const message = `cluster ${cluster} runs it and no Application or ApplicationSet explains it: apply what it came from, or let it go with 'wheelhouse hub adoption release ${cluster} ${app}'`;
  shown.conditions = [...shown.conditions, { type: 'Adopted', message }];
  return view;
}

function formatStatus(input: ViewInput) {
  const { indexed, resolution, status } = input;
  const { application } = indexed;
  const { destination } = application.spec;
  const revision = status?.revision || resolution.revision || '';
  const sourceHydrator = formatHydration(indexed, input.hydration);
  return {
    conditions: formatConditions(input),
    health: status?.health ?? { status: 'Missing' },
    sync: {
      status: formatSync(input),
      ...formatRevision(application, revision),
      comparedTo: { ...formatSources(application), destination },
    },
    ...formatSourceTypes(application, resolution.sourceTypes),
    ...(sourceHydrator ? { sourceHydrator } : {}),
    resources: (status?.resources ?? []).map(formatResource),
    ...(status ? formatObserved(status, application) : {}),
  };
}

function formatObserved({ observedAt, operation }: AppStatus, application: Application) {
  const operationState = operation && formatOperation(operation, application);
  return { observedAt, reconciledAt: observedAt, ...(operationState ? { operationState } : {}) };
}

/** What its cluster said, unless that was about another bundle, or there is nothing (yet) to compare it with. */
function formatSync({ resolution, status, problems }: ViewInput): string {
  if (problems.length > 0 || !status) return 'Unknown';
  const desired = resolution.hubBundle ?? resolution.app?.bundle;
  if (desired === undefined) return 'Unknown';
  return status.bundle === desired ? status.sync : 'OutOfSync';
}

function leavingConditions(leaving: Retention | undefined, { cluster }: IndexedApplication) {
  if (!leaving || leaving.comes) return [];
  const what =
    leaving.policy === 'Never'
      ? `stays on ${cluster} by policy Never until a person withdraws it`
      : `leaves ${cluster} as soon as what arrives in its stead is ready`;
  return [{ type: 'Leaving', message: `plan ${leaving.plan}: ${what}` }];
}

function formatConditions(input: ViewInput) {
  const { indexed, resolution, status, problems, whyWaiting, leaving, hydration } = input;
  const waiting = whyWaiting?.();
  const unhydrated = hydration && whyNotHydrated(indexed.id, hydration);
  return [
    ...problems.map(formatCondition),
    ...(unhydrated === undefined ? [] : [{ type: 'HydrationError', message: unhydrated }]),
    ...(waiting === undefined ? [] : [{ type: 'RolloutWaiting', message: waiting }]),
    ...resolution.warnings.map(formatWarning),
    ...originWarnings(indexed).map((message) => ({ type: 'InvalidSpecWarning', message })),
    ...leavingConditions(leaving, indexed),
    ...(status?.conditions ?? []),
    ...orphanConditions(input),
  ];
}

function originWarnings(indexed: IndexedApplication): string[] {
  return indexed.origin.type === 'spec' ? indexed.origin.warnings : [];
}

function formatCondition(problem: Problem) {
  return { type: conditionTypes[problem.code] ?? 'ComparisonError', message: problem.message };
}

function formatWarning(message: string) {
  const own = /^(TokenInManifestWarning|RawSecretWarning): /.exec(message)?.[1];
  if (own) return { type: own, message: message.slice(own.length + 2) };
  return {
    type: /^repeated|appears more than once/i.test(message) ? 'RepeatedResourceWarning' : 'RenderWarning',
    message,
  };
}

/** Who began an operation, as far as its id says. */
function formatCause(id: string | undefined) {
  if (id === undefined) return { initiatedBy: { automated: true } };
  const info = [{ name: 'id', value: id }];
  if (!isRollingSyncKey(id)) return { info };
  return { info, initiatedBy: { username: applicationSetController, automated: true } };
}

function formatOperation(operation: NonNullable<AppStatus['operation']>, application: Application) {
  const revision = formatRevision(application, operation.revision);
  return {
    operation: {
      sync: revision,
      ...formatCause(operation.id),
    },
    phase: operation.phase,
    message: operation.message,
    startedAt: operation.startedAt,
    ...(operation.finishedAt ? { finishedAt: operation.finishedAt } : {}),
    retryCount: operation.retryCount,
    syncResult: { ...revision, ...formatSources(application) },
  };
}

function formatResource(resource: AppStatus['resources'][number]) {
  const { sync, health, message, ...ref } = resource;
  return {
    ...ref,
    status: sync,
    ...(health ? { health: { status: health, ...(message ? { message } : {}) } } : message ? { message } : {}),
  };
}
