/**
 * Carries a plan on: a job is a plan. Looks at the fleet, decides, writes the record, and only then acts; every act may
 * be done twice. Whoever runs the job, and whenever it is killed, the next run goes on from the record.
 */

import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { AppLabelsChange } from '../fleet/app-labels.ts';
import type { Author } from '../fleet/metadata.ts';
import type { Stored, Table } from '../fleet/records.ts';
import type { Withdrawal } from '../store/additions.ts';
import { whyNotUnderstood } from '../store/record-format.ts';
import { type Act, type Decision, decide } from './decide.ts';
import { type HookOutcome, settleHook } from './hooks/decide-hooks.ts';
import type { PlannedHook } from './hooks/planned-hook.ts';
import { type ObserveDeps, observe } from './observe.ts';
import { outgoingOf, type Placement, type Plan, wantedAnnotations, wantedLabels } from './plan-record.ts';

export interface FailoverStageDeps extends ObserveDeps {
  logger: Logger;
  plans: Pick<Table<Plan>, 'find' | 'list' | 'read' | 'put'>;
  setLabels(cluster: string, labels: Record<string, string | null>, who: Author): Promise<unknown>;
  setAnnotations(cluster: string, annotations: Record<string, string | null>, who: Author): Promise<unknown>;
  setAppLabels(cluster: string, change: AppLabelsChange, who: Author): Promise<unknown>;
  putWithdrawals(withdrawals: readonly Withdrawal[]): Promise<void>;
  deleteWithdrawal(cluster: string, app: string): Promise<void>;
  /** Makes ApplicationSets (`namespace/name`) due. */
  generate(sets: readonly string[]): Promise<void>;
  applicationOf(app: string): Withdrawal['application'] | undefined;
  /** Generation of a cluster's newest document. */
  generation(cluster: string): number;
  runHook(plan: Plan, hook: PlannedHook, signal: AbortSignal): Promise<HookOutcome>;
  onPlanChange(listener: (id: string) => void): Disposable;
  /** An attempt of a hook that ended. */
  onHook(plan: Plan, hook: PlannedHook, outcome: HookOutcome): void;
  /** After each change of phase. */
  onTransition(plan: Plan): void;
  now(): Date;
}

/** A run goes on for as long as it gets ahead; the next tick goes on from there. */
const mostSteps = 8;

export async function runPlan(id: string, deps: FailoverStageDeps, signal: AbortSignal): Promise<void> {
  for (let steps = 0; steps < mostSteps && !signal.aborted; steps += 1) {
    const stored = await deps.plans.read(id);
    if (!stored || whyNotUnderstood('plan', id, stored.value) !== undefined) return;
    try {
      if (!(await advance(stored, deps, signal))) return;
    } catch (error) {
      // somebody paused or aborted it meanwhile: look again
      if (!isFleetError(error, 'Conflict')) throw error;
    }
  }
}

/** Returns whether it is worth looking again at once. */
async function advance(
  { value: before, revision }: Stored<Plan>,
  deps: FailoverStageDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const decision = decide(before, observe(before, deps), deps.now());
  const { plan, acts } = decision;
  const moved = plan.phase !== before.phase || plan.paused !== before.paused || plan.direction !== before.direction;
  if (JSON.stringify(plan) !== JSON.stringify(before)) await deps.plans.put(plan.id, plan, revision);
  if (moved) deps.onTransition(plan);
  if (acts.length === 0) return moved;
  return await withSpan(
    spans.planStep,
    { attributes: { plan: plan.id, phase: plan.phase, direction: plan.direction } },
    async () => await carryOut(decision, deps, signal),
  );
}

/** False when it is not worth looking again before the next tick. */
async function carryOut({ plan, acts }: Decision, deps: FailoverStageDeps, signal: AbortSignal): Promise<boolean> {
  let goesOn = true;
  for (const act of acts) {
    if (act.type === 'hook') goesOn = await callHook(act.hook, { plan, deps, signal });
    else await carryOutOne(act, plan, { deps, signal });
  }
  return goesOn;
}

/** A person who pauses or aborts the plan does not wait for a hook that hangs. */
async function callHook(
  hook: PlannedHook,
  { plan, deps, signal }: { plan: Plan; deps: FailoverStageDeps; signal: AbortSignal },
): Promise<boolean> {
  const cut = new AbortController();
  const look = () => {
    const present = deps.plans.find(plan.id);
    if (!present || present.paused || present.direction !== plan.direction) cut.abort();
  };
  using _ = deps.onPlanChange((id) => {
    if (id === plan.id) look();
  });
  look();
  const outcome = await deps.runHook(plan, hook, AbortSignal.any([signal, cut.signal]));
  if (outcome.state === 'running') return false;
  deps.onHook(plan, hook, outcome);
  await keepOutcome(plan.id, hook, { outcome, deps });
  return true;
}

async function keepOutcome(
  id: string,
  hook: PlannedHook,
  { outcome, deps }: { outcome: HookOutcome; deps: FailoverStageDeps },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await deps.plans.read(id);
    if (!stored) return;
    const settled = settleHook(stored.value, hook, { outcome, now: deps.now() });
    if (settled === stored.value) return;
    try {
      return await deps.plans.put(id, settled, stored.revision);
    } catch (error) {
      // somebody paused or aborted the plan meanwhile; what was called was called all the same
      if (!isFleetError(error, 'Conflict') || attempt === 10) throw error;
    }
  }
}

interface Acting {
  deps: FailoverStageDeps;
  signal: AbortSignal;
}

async function carryOutOne(act: Exclude<Act, { type: 'hook' }>, plan: Plan, { deps, signal }: Acting): Promise<void> {
  switch (act.type) {
    case 'label':
      return await label(plan, { deps, signal });
    case 'generate':
      return await deps.generate(setsOf(plan));
    case 'restore':
      for (const { cluster, app } of act.placements) await deps.deleteWithdrawal(cluster, app);
      return;
    case 'withdraw':
      return await withdraw(act.placements, plan, deps);
  }
}

/** Thousands of clusters take a while: whoever paused or aborted the plan meanwhile, or took the job over, is heeded. */
async function label(plan: Plan, { deps, signal }: Acting): Promise<void> {
  const who = { by: `plan ${plan.id} of ${plan.owner}`, reason: plan.reason };
  const [labels, annotations] = [wantedLabels(plan), wantedAnnotations(plan)];
  const setLabels: FailoverStageDeps['setLabels'] = async (cluster, own, author) => {
    if (plan.apps === undefined) await deps.setLabels(cluster, own, author);
    else await deps.setAppLabels(cluster, { apps: plan.apps, labels: own }, author);
  };
  for (const cluster of observe(plan, deps).unlabelled) {
    if (signal.aborted || !(await isStillMeant(plan, deps))) return;
    const own = labels.get(cluster);
    if (own) await setLabels(cluster, own, who);
    const changed = annotations.get(cluster);
    if (changed) await deps.setAnnotations(cluster, changed, who);
  }
}

/** By the copy in memory, asked for each cluster: a record of many clusters takes long to read. It may lag, so a no is looked up. */
async function isStillMeant({ id, phase, direction }: Plan, { plans }: FailoverStageDeps): Promise<boolean> {
  const isMeant = (present: Plan | undefined) =>
    present !== undefined && !present.paused && present.phase === phase && present.direction === direction;
  return isMeant(plans.find(id)) || isMeant((await plans.read(id))?.value);
}

/** Withdrawals first, then the record that releases them, then the generators, which drop what is released. */
async function withdraw(placements: readonly Placement[], plan: Plan, deps: FailoverStageDeps): Promise<void> {
  const seen = observe(plan, deps);
  // what becomes a standby does so by its generator alone, once the record has released it; one that is written already stays as it is: its confirmation may be on the way
  const missing = placements.filter((placement) => !placement.standby && !seen.of(placement).leaving);
  const absent = new Set(missing.filter(({ app }) => !deps.applicationOf(app)).map(placeOf));
  await deps.putWithdrawals(missing.flatMap((placement) => withdrawalOf(placement, plan, deps) ?? []));
  const stored = await deps.plans.read(plan.id);
  if (!stored) return;
  const due = new Set(placements.map(placeOf));
  const requested = (list: Placement[]) =>
    list.map((one): Placement => {
      if (!due.has(placeOf(one)) || one.withdrawal !== undefined) return one;
      return { ...one, withdrawal: absent.has(placeOf(one)) ? 'absent' : 'requested' };
    });
  const side = stored.value.direction === 'forward' ? 'leaves' : 'arrives';
  if (stored.value.direction !== plan.direction) return;
  await deps.plans.put(plan.id, { ...stored.value, [side]: requested(outgoingOf(stored.value)) }, stored.revision);
  await deps.generate(setsOf(plan));
}

function withdrawalOf(
  { app, cluster, cascade }: Placement,
  plan: Plan,
  deps: FailoverStageDeps,
): Withdrawal | undefined {
  const application = deps.applicationOf(app);
  if (!application) return undefined;
  const undone = plan.direction === 'back' ? ' is undone' : '';
  return {
    app,
    cluster,
    reason: `plan ${plan.id}${undone}${plan.reason ? `: ${plan.reason}` : ''}`,
    cascade,
    by: plan.owner,
    at: deps.now().toISOString(),
    after: deps.generation(cluster),
    application,
  };
}

export function setsOf({ leaves, arrives, changes }: Plan): string[] {
  return [...new Set([...leaves, ...arrives, ...changes].map(({ set }) => set))];
}

function placeOf({ app, cluster }: { app: string; cluster: string }): string {
  return `${cluster}/${app}`;
}
