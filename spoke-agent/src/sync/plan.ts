import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatRef } from '@wheelhouse/shared/kube/object';
import type { LiveEntry } from '../watch/live-entry.ts';
import type { AppState } from './app-state.ts';
import type { Comparison, Comparisons } from './compare.ts';
import { waveOf } from './hooks.ts';
import type { Operation } from './operation.ts';
import { orderTasks, type Task } from './order.ts';
import { whyNotPruned } from './prune.ts';
import { isOn, resourceOptions } from './sync-options.ts';
import type { DesiredResource } from './target.ts';

/** One object to apply or prune. */
export interface SyncTask extends Task {
  key: string;
  /** Absent: to be pruned. */
  resource?: DesiredResource;
  live?: LiveEntry | undefined;
}

/** All tasks of one wave, and of one kind within it: those run in parallel. */
export interface Wave {
  wave: number;
  prunes: SyncTask[];
  groups: SyncTask[][];
}

type Scope = Pick<Operation, 'prune' | 'partial'>;

/** What a sync does, wave by wave; throws as `planTasks`. */
export function planSync(state: AppState, comparisons: Comparisons, scope: Scope): Wave[] {
  return groupWaves(planTasks(state, comparisons, scope));
}

/**
 * What a sync does, in Argo CD's order; hooks are not among it. Throws Conflict under FailOnSharedResource when another
 * Application has one of the objects.
 */
export function planTasks(state: AppState, comparisons: Comparisons, scope: Scope): SyncTask[] {
  const { options } = state.policy;
  const selected = ({ key }: { key: string }) => scope.partial?.has(key) ?? true;
  const outOfSyncOnly = isOn('ApplyOutOfSyncOnly', options);
  const chosen = comparisons.resources
    .filter(({ resource }) => selected(resource))
    .filter(({ verdict }) => !outOfSyncOnly || verdict !== 'synced');
  refuseShared(state, chosen);
  const applies = chosen.map(({ resource, live }) => applyTask(resource, live));
  const prunes = scope.prune
    ? comparisons.extraneous
        .filter((entry) => !whyNotPruned(state, entry))
        .map((entry) => pruneTask(entry, isOn('PruneLast', options, resourceOptions(entry.annotations))))
        .filter(selected)
    : [];
  return orderTasks([...applies, ...prunes]);
}

export function applyTask(resource: DesiredResource, live: LiveEntry | undefined): SyncTask {
  const { key, ref, wave, defines } = resource;
  return { ...place(ref), phase: 'Sync', wave, prune: false, key, resource, live, ...(defines ? { defines } : {}) };
}

function pruneTask(entry: LiveEntry, pruneLast: boolean): SyncTask {
  const wave = waveOf(entry.annotations);
  return { ...place(entry.ref), phase: 'Sync', wave, prune: true, pruneLast, key: formatRef(entry.ref), live: entry };
}

function place({ group, kind, namespace, name }: DesiredResource['ref']) {
  return { group, kind, namespace, name };
}

function refuseShared(state: AppState, chosen: Comparison[]): void {
  if (!isOn('FailOnSharedResource', state.policy.options)) return;
  const shared = chosen.find(({ sharedWith }) => sharedWith !== undefined);
  if (shared)
    throw new FleetError(
      'Conflict',
      `${shared.resource.key} belongs to Application ${shared.sharedWith}; FailOnSharedResource forbids to take it`,
    );
}

export function groupWaves(tasks: readonly SyncTask[]): Wave[] {
  const waves: Wave[] = [];
  for (const task of tasks) {
    let current = waves.at(-1);
    if (current?.wave !== task.wave) {
      current = { wave: task.wave, prunes: [], groups: [] };
      waves.push(current);
    }
    const group = current.groups.at(-1);
    if (task.prune) current.prunes.push(task);
    else if (group?.[0]?.kind === task.kind && group[0].group === task.group) group.push(task);
    else current.groups.push([task]);
  }
  return waves;
}
