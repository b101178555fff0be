import { activeRun, type Draft, note, setPhase, wakeAt } from './draft.ts';
import { enter, namesOf } from './observe.ts';
import { type PlanStep, toleranceOf } from './plan.ts';
import type { RolloutRecord, Run, RunMember, RunOutcome, RunStep } from './record.ts';

const touchedStates: readonly string[] = ['Updating', 'Healthy', 'Failed'];

/** Ends a run that has gone wrong: true when a step that has begun failed more often than it may. */
export function judge(draft: Draft): boolean {
  const run = activeRun(draft);
  const reason = whyFailed(draft, run);
  if (reason === undefined) return false;
  // it was said, and a person has to decide
  const { pause: over } = draft.record;
  if (over?.by === 'rollout') return true;
  note(draft.record, draft.now, { type: 'StepFailed', message: reason });
  if (run.plan.onFailure === 'Return') startReturn(draft, { reason, by: 'rollout' });
  else {
    draft.record.pause = { reason, by: 'rollout', at: draft.now.toISOString(), ...(over ? { over } : {}) };
    setPhase(draft, 'Paused', `paused by rollout: ${reason}`);
  }
  return true;
}

function whyFailed(draft: Draft, run: Run): string | undefined {
  for (const [index, plan] of run.plan.steps.slice(0, run.step + 1).entries()) {
    const step = run.steps[index];
    if (!step?.startedAt) continue;
    const members = Object.entries(run.members).filter(([, member]) => member.step === index);
    const failed = members.filter(([, { state }]) => state === 'Failed');
    const allowed = toleranceOf(plan, step.size);
    if (failed.length > allowed) {
      const [first] = failed;
      const most = allowed === 0 ? '' : `, and ${allowed} may`;
      return `step ${step.name}: ${failed.length} of ${step.size} failed${most} (${namesOf(failed.map(([id]) => id))}): ${first?.[1].message ?? ''}`;
    }
    const unproved =
      whyDeserted(draft, { step, plan, index }) ??
      whyUnproved(draft, { name: step.name, members, deadlineMs: plan.deadlineMs, index });
    if (unproved) return unproved;
  }
  return undefined;
}

/** A step that had members when the run began, and has none any more. Argo CD: such a step of a RollingSync is passed. */
export function isDeserted({ plan, steps, members }: Run, index: number): boolean {
  if (plan.kind === 'RollingSync' || !steps[index]?.took) return false;
  return Object.values(members).every(({ step }) => step !== index);
}

/** Others may still join it, for as long as a member may take to get Healthy. */
function whyDeserted(
  draft: Draft,
  { step, plan, index }: { step: RunStep; plan: PlanStep; index: number },
): string | undefined {
  const run = activeRun(draft);
  if (index !== run.step || plan.deadlineMs === undefined || !isDeserted(run, index)) return undefined;
  const end = Date.parse(step.startedAt ?? '') + plan.deadlineMs;
  wakeAt(draft, end);
  if (draft.now.getTime() < end) return undefined;
  return `step ${step.name} shows nothing: all ${step.took} that it took have left`;
}

interface Unproved {
  name: string;
  members: [string, RunMember][];
  deadlineMs: number | undefined;
  index: number;
}

/** A step none of whose members gets Healthy has shown nothing, however many may fail. */
function whyUnproved(draft: Draft, { name, members, deadlineMs, index }: Unproved): string | undefined {
  const run = activeRun(draft);
  const silent = members.filter(([id, { state }]) => isSilent(draft, id, state));
  const failed = members.filter(([, { state }]) => state === 'Failed');
  if (index !== run.step || deadlineMs === undefined || members.length === 0) return undefined;
  if (silent.length + failed.length < members.length) return undefined;
  const end = Math.max(0, ...silent.map(([, { since }]) => Date.parse(since) + deadlineMs));
  wakeAt(draft, end);
  if (draft.now.getTime() < end) return undefined;
  const names = namesOf(members.map(([id]) => id));
  return `step ${name} shows nothing: none is Healthy, ${failed.length} failed and ${silent.length} are silent (${names})`;
}

function isSilent(draft: Draft, id: string, state: RunMember['state']): boolean {
  return state === 'Skipped' || (state === 'Waiting' && !draft.facts.get(id)?.online);
}

export interface Cause {
  reason: string;
  by: string;
}

/** Gives every member that was touched back what is recorded; what a run brought is not brought again by itself. */
export function startReturn(draft: Draft, cause: Cause): void {
  const run = activeRun(draft);
  run.returning = { ...cause, at: draft.now.toISOString() };
  refuse(draft.record, run, { ...cause, at: draft.now });
  const touched = Object.entries(run.members).filter(([, { state }]) => touchedStates.includes(state));
  for (const [, member] of touched) giveBack(draft, member);
  note(draft.record, draft.now, {
    type: 'ReturnStarted',
    message: `${touched.length} return to what is recorded: ${namesOf(touched.map(([id]) => id))}`,
    by: cause.by,
  });
  followReturn(draft);
}

function giveBack(draft: Draft, member: RunMember): void {
  const recorded = Object.entries(member.apps).filter(([, { from }]) => from);
  for (const [id, { from }] of recorded)
    if (from) draft.record.pins[id] = { ...draft.record.pins[id], now: from, good: from };
  if (recorded.length > 0) enter(draft, member, { state: 'Returning' });
  else enter(draft, member, { state: 'Kept', message: 'nothing is recorded that it could return to' });
}

/** Ends the run once nobody is on his way back any more. */
export function followReturn(draft: Draft): void {
  const run = activeRun(draft);
  const { returning } = run;
  if (!returning) return;
  const members = Object.values(run.members);
  const left = members.filter(({ state }) => state === 'Returning').length;
  if (left > 0) {
    const back = members.filter(({ state }) => state === 'Returned').length;
    return setPhase(draft, 'Returning', `${returning.reason}; ${back} of ${back + left} have returned`);
  }
  end(draft, returning.by === 'rollout' ? 'Failed' : 'Aborted', returning);
}

/** What the run brought does not come again by itself: a newer revision, or a person, must say so. */
export function refuse(record: RolloutRecord, run: Run, { reason, at }: { reason: string; at: Date }): void {
  const brought = Object.values(run.members).flatMap(({ apps }) => Object.values(apps).map(({ to }) => to.bundle));
  const bundles = [...new Set([...(record.refused?.bundles ?? []), ...brought])].slice(-2_000);
  record.refused = { bundles, reason, at: at.toISOString() };
}

export function end(draft: Draft, outcome: RunOutcome, { reason, by }: Cause): void {
  const run = activeRun(draft);
  run.endedAt = draft.now.toISOString();
  run.outcome = outcome;
  run.reason = reason;
  note(draft.record, draft.now, { type: `Rollout${outcome}`, message: reason, by });
}

/** Everything is where it should be; who was silent gets it when he is back. */
export function complete(draft: Draft): void {
  const run = activeRun(draft);
  const { pins } = draft.record;
  let behind = 0;
  for (const { state, apps } of Object.values(run.members)) {
    if (state === 'Skipped') behind += 1;
    for (const [id, { to }] of Object.entries(apps)) pins[id] = { now: to, good: to };
  }
  const later = behind > 0 ? `; ${behind} silent ones follow when they are back` : '';
  end(draft, 'Completed', { reason: `all steps have taken ${run.revision}${later}`, by: 'rollout' });
}
