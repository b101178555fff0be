import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { fieldManager } from '../cluster/cluster.ts';
import { wouldChangeNothing } from '../diff/drift.ts';
import { actingAs } from './acting-as.ts';
import { type AppState, resourceState, type SyncContext } from './app-state.ts';
import { type Applying, applyAnew, applyResource } from './apply.ts';
import { compareResource } from './compare.ts';
import { waitEstablished } from './established.ts';
import type { Operation } from './operation.ts';
import type { SyncTask, Wave } from './plan.ts';
import { pruneResource } from './prune.ts';

/** Whether nothing of a wave is left to be sent. */
export function isCarriedOut(
  context: SyncContext,
  state: AppState,
  { operation, wave }: { operation: Operation; wave: Wave },
): boolean {
  return [...wave.prunes, ...wave.groups.flat()].every(
    (task) =>
      operation.done.has(task.key) ||
      (!task.prune && !operation.force && !runsAnew(operation, task) && !needsApply(context, state, task)),
  );
}

/** A Job that has ended does not run again by being applied. */
function runsAnew({ runJobs }: Operation, { resource }: SyncTask): boolean {
  return runJobs === true && resource?.ref.group === 'batch' && resource.ref.kind === 'Job';
}

function needsApply(context: SyncContext, state: AppState, { resource }: SyncTask): boolean {
  return resource !== undefined && compareResource(context, state, resource).verdict !== 'synced';
}

/**
 * Carries out what of a wave is not done: prunes first, then one kind after the other, each in parallel. What is known to
 * be as desired is not sent. Returns what failed; throws ClusterUnavailable and Aborted, after which it can go on.
 */
export async function runWave(applying: Applying, operation: Operation, wave: Wave): Promise<string[]> {
  const { context, state, force } = applying;
  for (const group of [wave.prunes, ...wave.groups]) {
    const pending = group.filter(({ key }) => !operation.done.has(key));
    const failures = await together(pending, async (task) => {
      if (task.prune && task.live) await pruneResource(applying, task.live);
      else if (task.resource && runsAnew(operation, task)) await applyAnew(applying, task.resource);
      else if (task.resource && (force || needsApply(context, state, task)))
        await applyResource(applying, task.resource);
      operation.done.add(task.key);
    });
    for (const { task, message } of failures) resourceState(state, task.key).error = message;
    if (failures.length > 0) return failures.map(({ message }) => message);
    await establish(applying, pending);
  }
  return [];
}

/** What follows may be of the kinds that were just defined. */
async function establish({ context, state, signal }: Applying, applied: SyncTask[]): Promise<void> {
  const definitions = applied.flatMap(({ resource }) => (resource?.defines ? [resource] : []));
  if (definitions.length === 0) return;
  const kinds = state.target?.resources.map(({ ref }) => ref) ?? [];
  await waitEstablished(context, definitions, { kinds, signal });
}

/** How many resources of a wave an apply would change. */
export async function dryRunWave(applying: Applying, wave: Wave): Promise<{ changes: number; failures: string[] }> {
  const { context, state, manifestOf, signal } = applying;
  let changes = wave.prunes.length;
  const failures = await together(wave.groups.flat(), async ({ resource }) => {
    if (!resource) return;
    const manifest = await manifestOf(resource);
    const dry = await context.cluster.apply(manifest, { fieldManager, dryRun: true, ...actingAs(state), signal });
    const live = await context.cluster.find(resource.ref, signal);
    if (!live || !wouldChangeNothing(dry, live, state.policy.ignore(resource.ref))) changes += 1;
  });
  return { changes, failures: failures.map(({ message }) => message) };
}

async function together(
  tasks: SyncTask[],
  run: (task: SyncTask) => Promise<void>,
): Promise<{ task: SyncTask; message: string }[]> {
  const failures: { task: SyncTask; message: string }[] = [];
  let stop: unknown;
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await run(task);
      } catch (error) {
        if (isFleetError(error, 'ClusterUnavailable') || isFleetError(error, 'Aborted')) stop = error;
        else failures.push({ task, message: toFleetError(error).message });
      }
    }),
  );
  if (stop !== undefined) throw toFleetError(stop);
  return failures;
}
