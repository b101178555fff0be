/** What a person may ask of a rollout: each is written into its record, and decided by its next job. */
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Dispatch } from '../queue/dispatch.ts';
import { refuseNewer } from '../store/record-format.ts';
import { note } from './draft.ts';
import { isDeserted } from './finish.ts';
import type { PlanStep } from './plan.ts';
import { emptyRecord, endOwnPause, isActive, type RolloutRecord, type RunMember, type RunStep } from './record.ts';
import type { RolloutStore } from './rollout-store.ts';
import { formatRolloutName, type Rollouts } from './rollouts.ts';

export interface Person {
  name: string;
  roles?: readonly string[];
}

/** Each throws NotFound for a rollout that is not there, and Invalid where it makes no sense. */
export interface RolloutCommands {
  /** Nothing begins any more, until `resume` or `until`. What is under way is still judged. */
  pause(key: string, options: { reason: string; until?: string }, by: Person): Promise<void>;
  /** Ends a pause; after a failure, an abort or an undo: begins anew; of a deleted rollout: unpins everything. */
  resume(key: string, by: Person): Promise<void>;
  /** Ends the run where it is. */
  abort(key: string, options: { reason: string }, by: Person): Promise<void>;
  /** Takes the run back: touched members at once, a run that ended well in steps. */
  undo(key: string, options: { reason: string }, by: Person): Promise<void>;
  /** Lets a step begin; the one that waits unless named. Throws Forbidden for whom the step does not name. */
  approve(key: string, options: { step?: string; comment?: string }, by: Person): Promise<void>;
}

export interface RolloutCommandsDeps {
  rollouts: Pick<Rollouts, 'find'>;
  store: Pick<RolloutStore, 'read' | 'put'>;
  dispatch: Pick<Dispatch, 'rollouts'>;
  now(): Date;
}

const attempts = 10;

export function createRolloutCommands(deps: RolloutCommandsDeps): RolloutCommands {
  const edit = async (key: string, change: Change) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await editOnce(deps, key, change);
        return await deps.dispatch.rollouts([key]);
      } catch (error) {
        if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
      }
    }
  };
  return {
    pause: async (key, options, { name: by }) =>
      await edit(key, (record, now) => {
        record.pause = { ...options, by, at: now.toISOString() };
        const until = options.until ? `, until ${options.until}` : '';
        note(record, now, { type: 'Paused', message: options.reason + until, by });
      }),
    resume: async (key, { name: by }) => await edit(key, (record, now) => resume(record, now, by)),
    abort: async (key, { reason }, { name: by }) =>
      await edit(key, (record, now) => {
        if (!isActive(record.run)) throw invalid(key, `has no run to abort: it is ${record.phase}`);
        record.asked = { what: 'abort', by, reason };
        note(record, now, { type: 'AbortRequested', message: reason, by });
      }),
    undo: async (key, { reason }, { name: by }) =>
      await edit(key, (record, now) => {
        if (!record.run) throw invalid(key, 'has had no run that could be taken back');
        record.asked = { what: 'undo', by, reason };
        note(record, now, { type: 'UndoRequested', message: reason, by });
      }),
    approve: async (key, options, by) => await edit(key, (record, now) => approve(record, { ...options, by, now })),
  };
}

type Change = (record: RolloutRecord, now: Date) => void;

async function editOnce({ store, rollouts, now }: RolloutCommandsDeps, key: string, change: Change): Promise<void> {
  const stored = await store.read(key);
  if (!stored && !rollouts.find(key)) throw new FleetError('NotFound', `there is no rollout ${nameOf(key)}`);
  if (stored) refuseNewer('rollout', nameOf(key), stored.value);
  const record = structuredClone(stored?.value ?? emptyRecord(key, now()));
  change(record, now());
  await store.put(record, stored?.revision ?? 0);
}

function resume(record: RolloutRecord, now: Date, by: string): void {
  const { pause, refused, key, phase } = record;
  const message = pause?.reason ?? refused?.reason ?? 'resumed';
  if (phase === 'Orphaned') record.asked = { what: 'release', by, reason: 'resumed' };
  else if (pause) endPause(record, now);
  else if (refused) delete record.refused;
  else if (phase === 'Paused') throw invalid(key, 'is paused by its spec: take spec.pause out of it');
  else throw invalid(key, `is not paused: it is ${phase}`);
  note(record, now, { type: 'Resumed', message, by });
}

function endPause(record: RolloutRecord, now: Date): void {
  if (record.pause?.by !== 'rollout') return void delete record.pause;
  tryAgain(record, now);
  endOwnPause(record);
}

/** Members that failed are looked at again, with a deadline of their own; a step that all have left is done without. */
function tryAgain({ run }: RolloutRecord, now: Date): void {
  const step = run?.steps[run.step];
  if (run && step && isDeserted(run, run.step)) delete step.took;
  const failed: RunMember[] = Object.values(run?.members ?? {}).filter(({ state }) => state === 'Failed');
  for (const member of failed) Object.assign(member, { state: 'Updating', since: now.toISOString(), relapses: 0 });
}

interface Approval {
  step?: string;
  comment?: string;
  by: Person;
  now: Date;
}

function approve(record: RolloutRecord, { step: name, comment, by, now }: Approval): void {
  const { key, run } = record;
  if (!isActive(run)) throw invalid(key, `has no run to approve: it is ${record.phase}`);
  const index = name === undefined ? run.step : run.steps.findIndex((step) => step.name === name);
  const step = run.steps[index];
  if (!step) throw new FleetError('NotFound', `rollout ${nameOf(key)} has no step ${name}`);
  const refusal = whyNotApprovable(step, run.plan.steps[index], by);
  if (refusal) throw new FleetError(refusal.code, `rollout ${nameOf(key)} ${refusal.what}`);
  step.approved = { by: by.name, at: now.toISOString(), ...(comment ? { comment } : {}) };
  const message = `step ${step.name} with ${run.revision}${comment ? `: ${comment}` : ''}`;
  note(record, now, { type: 'Approved', message, by: by.name });
}

function whyNotApprovable(
  { name, approved }: RunStep,
  plan: PlanStep | undefined,
  by: Person,
): { code: 'Invalid' | 'Forbidden'; what: string } | undefined {
  if (!plan?.approval) return { code: 'Invalid', what: `needs no approval for step ${name}` };
  if (approved) return { code: 'Invalid', what: `has the approval for step ${name} already, by ${approved.by}` };
  const named = [...plan.approval.people, ...plan.approval.roles];
  if (named.length === 0 || [by.name, ...(by.roles ?? [])].some((one) => named.includes(one))) return undefined;
  return { code: 'Forbidden', what: `takes ${named.join(' or ')} to approve step ${name}, and ${by.name} is neither` };
}

function invalid(key: string, what: string): FleetError {
  return new FleetError('Invalid', `rollout ${nameOf(key)} ${what}`);
}

function nameOf(key: string): string {
  return formatRolloutName(key);
}
