import type { AppStatus, HealthStatus, ResourceStatus, SyncStatus } from '@wheelhouse/shared/protocol/status';
import { isWorse, worstHealth } from '../health/worst-health.ts';
import type { LiveEntry } from '../watch/live-entry.ts';
import type { AppState, SyncContext } from './app-state.ts';
import { whyEmptyRefused } from './choose-operation.ts';
import { type Comparison, type Comparisons, compareApp } from './compare.ts';
import { whyNotPruned } from './prune.ts';
import { type Condition, type DesiredResource } from './target.ts';
import { whyAutomationWaits } from './windows.ts';

/** What the agent makes an `AppStatus` of. */
export type ReportedStatus = Omit<AppStatus, 'v' | 'seq'>;

const shownResources = 100;

/** How an Application stands, from what is known; asks nothing of the cluster. */
export function statusOf(context: Pick<SyncContext, 'index' | 'clock'>, state: AppState): ReportedStatus {
  const { target } = state;
  const comparisons: Comparisons = target ? compareApp(context, state, target) : { resources: [], extraneous: [] };
  const resources = [
    ...comparisons.resources.map((comparison) => resourceStatus(state, comparison)),
    ...comparisons.extraneous.map((entry) => extraneousStatus(state, entry)),
    ...(target?.hooks ?? []).map(hookStatus),
  ].sort((a, b) => badness(b) - badness(a));
  const firstBad = resources.find((resource) => badness(resource) > 0);
  return {
    ...headOf(context, state),
    sync: syncOf(state, comparisons),
    health: healthOfApp(state, comparisons),
    ...(state.record.operation ? { operation: state.record.operation } : {}),
    resources: resources.slice(0, shownResources),
    total: resources.length,
    ...(firstBad ? { firstBad } : {}),
    conditions: conditionsOf(context, state, comparisons),
    ...(state.orphans ? { orphans: state.orphans } : {}),
    ...(state.trace ? { traceparent: state.trace.traceparent } : {}),
  };
}

/** The status of an Application whose tombstone is being carried out, or was: then nothing is left. */
export function removalStatus(
  context: Pick<SyncContext, 'clock'>,
  state: AppState,
  left: LiveEntry[] | undefined,
): ReportedStatus {
  const head = headOf(context, state);
  if (!left)
    return {
      ...head,
      sync: 'Unknown',
      health: { status: 'Missing' },
      resources: [],
      total: 0,
      conditions: [],
      removed: true,
    };
  const [first] = left;
  const message = first
    ? `deleting ${left.length} resource(s), ${first.ref.kind} ${first.ref.name} among them`
    : 'deleting';
  return {
    ...head,
    sync: 'Unknown',
    health: { status: 'Progressing', message },
    resources: left.slice(0, shownResources).map((entry) => extraneousStatus(state, entry)),
    total: left.length,
    conditions: failureConditions(state),
  };
}

/** What every status begins with. */
function headOf({ clock }: Pick<SyncContext, 'clock'>, state: AppState) {
  const assigned = state.policy.assigned ?? state.assigned;
  return {
    app: state.app,
    gen: state.gen,
    revision: assigned?.revision ?? '',
    bundle: assigned?.bundle ?? '',
    ...(assigned?.policy.standby ? { standby: true as const } : {}),
    observedAt: new Date(clock.now()).toISOString(),
  };
}

function resourceStatus(state: AppState, { resource, verdict, live }: Comparison): ResourceStatus {
  const health: HealthStatus | undefined = live ? live.health?.status : 'Missing';
  const message = state.resources.get(resource.key)?.error ?? live?.health?.message;
  return {
    ...resource.ref,
    sync: verdict === 'synced' ? 'Synced' : 'OutOfSync',
    ...(health ? { health } : {}),
    ...(message ? { message } : {}),
  };
}

function extraneousStatus(state: AppState, entry: LiveEntry): ResourceStatus {
  const message = whyNotPruned(state, entry) ?? state.resources.get(keyOf(entry))?.error;
  return {
    ...entry.ref,
    sync: 'OutOfSync',
    ...(entry.health ? { health: entry.health.status } : {}),
    ...(message ? { message } : {}),
    requiresPruning: true,
  };
}

function keyOf({ ref }: LiveEntry): string {
  return `${ref.group}/${ref.kind}:${ref.namespace}/${ref.name}`;
}

function hookStatus({ ref }: DesiredResource): ResourceStatus {
  return { ...ref, sync: 'Unknown', hook: true, message: 'not run: hooks are not built yet' };
}

const healthBadness: Record<HealthStatus, number> = {
  Degraded: 5,
  Unknown: 4,
  Missing: 3,
  Progressing: 2,
  Suspended: 1,
  Healthy: 0,
};

/** Larger is worse; 0 needs no attention. */
function badness({ sync, health, message, hook }: ResourceStatus): number {
  if (hook) return 0;
  const refused = sync === 'OutOfSync' && message !== undefined ? 10 : 0;
  return refused + healthBadness[health ?? 'Healthy'] * 2 + (sync === 'OutOfSync' ? 1 : 0);
}

function syncOf(state: AppState, { resources, extraneous }: Comparisons): SyncStatus {
  if (!state.target || state.target.conditions.some(({ type }) => type === 'ComparisonError')) return 'Unknown';
  const isOut = resources.some(({ verdict }) => verdict !== 'synced') || extraneous.some((entry) => !isIgnored(entry));
  return isOut ? 'OutOfSync' : 'Synced';
}

/** Argo CD: compare-options IgnoreExtraneous. */
function isIgnored({ annotations }: LiveEntry): boolean {
  return (annotations['argocd.argoproj.io/compare-options'] ?? '').includes('IgnoreExtraneous');
}

/** Argo CD: the worst of the live resources; Missing only when none of them lives. */
function healthOfApp(state: AppState, { resources }: Comparisons): ReportedStatus['health'] {
  if (!state.target) return { status: 'Unknown' };
  const live = resources.filter((comparison) => comparison.live !== undefined);
  if (resources.length > 0 && live.length === 0) return { status: 'Missing' };
  const counted = live.filter(({ resource }) => !resource.ignoresHealth);
  const status = worstHealth(counted.map((comparison) => comparison.live?.health?.status));
  const cause = counted.find((comparison) => comparison.live?.health?.status === status);
  if (!cause || !isWorse(status, 'Healthy')) return { status };
  const reason = cause.live?.health?.message;
  return { status, message: `${cause.resource.ref.kind} ${cause.resource.ref.name}${reason ? `: ${reason}` : ''}` };
}

function conditionsOf(context: Pick<SyncContext, 'clock'>, state: AppState, comparisons: Comparisons): Condition[] {
  const { target, policy } = state;
  const unsupported = [...policy.unsupported, ...unsupportedByResource(target?.resources ?? [])];
  const shared = comparisons.resources.filter(({ sharedWith }) => sharedWith !== undefined).slice(0, 10);
  return [
    ...failureConditions(state),
    ...(target?.conditions ?? []),
    ...(target?.standby ? [standbyCondition] : []),
    ...syncErrors(state, comparisons),
    ...waitsForWindow(context, state, syncOf(state, comparisons)),
    ...hooksNotRun(target?.hooks.length ?? 0),
    ...unsupported.map((message) => ({ type: 'UnsupportedOption', message })),
    ...shared.map(({ resource, sharedWith }) => ({
      type: 'SharedResourceWarning',
      message: `${resource.key} is also part of Application ${sharedWith}`,
    })),
  ];
}

const standbyCondition: Condition = {
  type: 'Standby',
  message: 'kept ready without running, by annotation wheelhouse.dev/standby of the Application',
};

function syncErrors(state: AppState, comparisons: Comparisons): Condition[] {
  const assigned = state.policy.assigned;
  const empty = whyEmptyRefused(state, comparisons);
  if (empty) return [{ type: 'SyncError', message: empty }];
  const { attempt } = state.record;
  if (!assigned?.policy.automated || state.operation || attempt?.phase !== 'Failed') return [];
  if (attempt.key !== state.policy.attemptKey) return [];
  const message = `the sync to ${assigned.revision} failed and is not tried again until that changes: ${attempt.message}`;
  return [{ type: 'SyncError', message }];
}

function waitsForWindow(context: Pick<SyncContext, 'clock'>, state: AppState, sync: SyncStatus): Condition[] {
  if (sync !== 'OutOfSync' || !state.policy.assigned?.policy.automated) return [];
  const reason = whyAutomationWaits(context, state);
  return reason === undefined ? [] : [{ type: 'SyncWindow', message: `automated sync and healing wait: ${reason}` }];
}

function hooksNotRun(count: number): Condition[] {
  if (count === 0) return [];
  return [{ type: 'HooksNotRun', message: `${count} hook(s) are not run: hooks are not built yet` }];
}

function unsupportedByResource(resources: DesiredResource[]): string[] {
  return resources.flatMap(({ key, unsupported }) => unsupported.map((message) => `${key}: ${message}`)).slice(0, 20);
}

function failureConditions({ failure, loading, tombstone }: AppState): Condition[] {
  const type = tombstone ? 'DeletionError' : 'ComparisonError';
  return [
    ...(failure ? [{ type, message: failure.error.message }] : []),
    ...(loading?.error
      ? [{ type: 'ComparisonError', message: `cannot read the bundle ${loading.bundle}: ${loading.error.message}` }]
      : []),
  ];
}
