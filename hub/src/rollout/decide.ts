/**
 * The state machine of a rollout: from the record, the members of the fleet as they are and the time, the next record.
 * Pure. What an Application may run is its pin in the record; everything that is done follows from what changed there.
 * It must never let more members begin than a step allows, let a step begin for bundles that the one before has not
 * proved, go on after a step that failed, or take absence (a silent cluster, a missing status) for health.
 */
import { advance, begin, pauseOf } from './advance.ts';
import { activeRun, createDraft, type DecideInput, type Draft, note, setPhase } from './draft.ts';
import { end, followReturn, judge, refuse, startReturn } from './finish.ts';
import { followMembers } from './observe.ts';
import { placeJoining } from './place.ts';
import type { Plan } from './plan.ts';
import { endOwnPause, isActive, type RolloutRecord, samePin } from './record.ts';
import { newsOf, placeRefused, startRun } from './start.ts';

export type { DecideInput } from './draft.ts';

/** Deciding again with the same facts and time changes nothing more. */
export function decide(input: DecideInput): RolloutRecord {
  const draft = createDraft(input);
  const { record } = draft;
  keepPins(draft);
  endPause(draft);
  if (!draft.plan) orphan(draft);
  else if (draft.invalid !== undefined && !isActive(record.run)) setPhase(draft, 'Invalid', draft.invalid);
  else runOn(draft, draft.plan);
  delete record.wakeAt;
  if (draft.wakes.length > 0) record.wakeAt = new Date(Math.min(...draft.wakes)).toISOString();
  return record;
}

function runOn(draft: Draft, plan: Plan): void {
  reopen(draft);
  if (isActive(draft.record.run)) followRun(draft);
  if (isActive(draft.record.run)) return;
  // a rest, or one run after another: each ends with the last step or begins by waiting
  const paused = pauseOf(draft);
  if (paused && (draft.record.asked || newsOf(draft).size > 0)) return setPhase(draft, 'Paused', paused);
  const start = startRun(draft, plan);
  if (start === 'started') return followRun(draft);
  placeRefused(draft);
  if (start === 'nothing') rest(draft);
}

/** A run that was ended where it was can still be taken back. */
function reopen({ record }: Draft): void {
  const { run, asked } = record;
  if (asked?.what !== 'undo' || !run || (run.outcome !== 'Aborted' && run.outcome !== 'Failed')) return;
  delete run.outcome;
  delete run.endedAt;
  delete run.returning;
}

function followRun(draft: Draft): void {
  const run = activeRun(draft);
  followMembers(draft);
  if (run.returning) {
    followReturn(draft);
    return isActive(run) ? undefined : rest(draft);
  }
  if (carryOut(draft) || judge(draft) || supersede(draft)) return;
  syncedByHand(draft);
  advance(draft);
  if (!isActive(run)) rest(draft);
}

/** A person has ended the run: where it is, or back to what is recorded. */
function carryOut(draft: Draft): boolean {
  const { record, now } = draft;
  const { asked } = record;
  if (!asked) return false;
  delete record.asked;
  endOwnPause(record);
  const cause = {
    reason: `${asked.what === 'undo' ? 'taken back' : 'aborted'} by ${asked.by}: ${asked.reason}`,
    by: asked.by,
  };
  if (asked.what === 'undo') startReturn(draft, cause);
  else {
    refuse(record, activeRun(draft), { ...cause, at: now });
    end(draft, 'Aborted', cause);
    rest(draft);
  }
  return true;
}

/** Argo CD: a person's sync of an Application is not held by its step. */
function syncedByHand(draft: Draft): void {
  const run = activeRun(draft);
  if (run.plan.kind !== 'RollingSync') return;
  for (const [id, member] of Object.entries(run.members))
    if (member.state === 'Waiting' && draft.facts.get(id)?.apps.some(({ asked }) => asked)) begin(draft, member);
}

/** A newer revision ends the run, where the plan says so; what the run touched returns to what was good before it. */
function supersede(draft: Draft): boolean {
  const run = activeRun(draft);
  if (run.plan.newRevision !== 'Supersede' || draft.preparing !== undefined || !hasNewer(draft)) return false;
  end(draft, 'Superseded', { reason: `a newer revision than ${run.revision} is there`, by: 'rollout' });
  return true;
}

/** Whether Git gives something else by now than what the run brings. */
export function hasNewer({ record, members }: Pick<Draft, 'record' | 'members'>): boolean {
  const { run, refused } = record;
  if (!isActive(run)) return false;
  const bundles = new Set(refused?.bundles);
  const leftOut = new Set(
    members.filter((member) => placeJoining(run.plan, member) === undefined).map((member) => member.id),
  );
  const isLeftOut = (id: string) => leftOut.has(id);
  return members.some(({ id, apps }) =>
    apps.some(({ id: app, newest }) => {
      const brought = run.members[id]?.apps[app]?.to ?? (isLeftOut(id) ? undefined : record.pins[app]?.now);
      return newest && brought && !samePin(newest, brought) && !bundles.has(newest.bundle);
    }),
  );
}

/** Pins of Applications that left are forgotten; one without a pin has what its cluster's document holds. */
function keepPins({ record, members, plan, away }: Draft): void {
  const apps = new Map(members.flatMap((member) => member.apps.map((app) => [app.id, app] as const)));
  if (plan) for (const id of Object.keys(record.pins)) if (!apps.has(id) && !away.has(id)) delete record.pins[id];
  for (const { id, assigned } of apps.values())
    if (assigned && !record.pins[id]?.now) record.pins[id] = { now: assigned, good: assigned };
}

function endPause({ record, now }: Draft): void {
  const { pause } = record;
  if (!pause?.until || Date.parse(pause.until) > now.getTime()) return;
  delete record.pause;
  note(record, now, { type: 'PauseEnded', message: `the pause by ${pause.by} is over: ${pause.reason}` });
}

/** Nothing is under way. */
function rest(draft: Draft): void {
  const { record } = draft;
  if (record.refused && isRefusedHeld(draft)) {
    const next = record.pause
      ? `${pauseOf(draft)}; 'rollout resume' ends the pause, and a second one begins anew`
      : "a newer revision, or 'rollout resume', begins anew";
    return setPhase(draft, phaseAfter(record), `${record.refused.reason}; ${next}`);
  }
  delete record.refused;
  const { outcome, reason } = record.run ?? {};
  setPhase(draft, 'Completed', outcome === 'Completed' && reason ? reason : 'everything is as Git says');
}

/** Whether Git still gives something that was refused. */
function isRefusedHeld({ record, members }: Draft): boolean {
  const bundles = new Set(record.refused?.bundles);
  return members.some(({ apps }) => apps.some(({ newest }) => newest && bundles.has(newest.bundle)));
}

function phaseAfter({ run }: RolloutRecord): 'Failed' | 'Aborted' | 'Completed' {
  return run?.outcome === 'Failed' || run?.outcome === 'Aborted' ? run.outcome : 'Completed';
}

/** The object is gone, which is no word about what should run: everything stays pinned until a person lets it go. */
function orphan(draft: Draft): void {
  const { record } = draft;
  if (isActive(record.run)) {
    refuse(record, record.run, { reason: 'the rollout was deleted', at: draft.now });
    end(draft, 'Aborted', { reason: 'the rollout was deleted while it was under way', by: 'rollout' });
  }
  setPhase(
    draft,
    'Orphaned',
    "the rollout was deleted while Applications are behind: 'rollout resume' lets them all go",
  );
}
