import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { activeRun, type Draft, note, setPhase, wakeAt } from './draft.ts';
import { complete, isDeserted } from './finish.ts';
import { enter, passOver } from './observe.ts';
import { limitOf, type PlanStep } from './plan.ts';
import type { RolloutPhase, Run, RunMember, RunStep } from './record.ts';
import { windowState } from './window.ts';

interface Wait {
  phase: RolloutPhase;
  message: string;
}

/** Takes a run as far as it may go now: begins steps and members, waits for health and soak, ends with the last step. */
export function advance(draft: Draft): void {
  const run = activeRun(draft);
  for (;;) {
    const step = run.steps[run.step];
    const plan = run.plan.steps[run.step];
    if (!step || !plan) return complete(draft);
    const wait = takeStep(draft, step, plan);
    if (wait) return show(draft, wait);
    step.provedAt = draft.now.toISOString();
    step.proved = run.digest;
    note(draft.record, draft.now, { type: 'StepProved', message: `step ${step.name} proved ${run.revision}` });
    run.step += 1;
  }
}

/** A pause comes before everything else that a run may wait for. */
function show(draft: Draft, { phase, message }: Wait): void {
  const pause = pauseOf(draft);
  if (pause === undefined || phase === 'Paused') setPhase(draft, phase, message);
  else setPhase(draft, 'Paused', `${pause}; ${message}`);
}

/** Undefined once the step has proved what the run brings. */
function takeStep(draft: Draft, step: RunStep, plan: PlanStep): Wait | undefined {
  const run = activeRun(draft);
  if (isPassed(run)) return undefined;
  if (!step.startedAt) {
    const wait = whyNotBegin(draft, step, plan);
    if (wait) return wait;
    step.startedAt = draft.now.toISOString();
    note(draft.record, draft.now, { type: 'StepStarted', message: `step ${step.name} begins with ${run.revision}` });
  }
  const held = whyHeld(draft, step, plan);
  const open = membersUpTo(run).filter((member) => member.state === 'Waiting');
  const waiting = beginMembers(draft, { step, plan, open, held });
  if (waiting > 0 || membersUpTo(run).some(({ state }) => state === 'Updating')) {
    delete step.soakingSince;
    return held && waiting > 0 ? held : { phase: 'Progressing', message: progressOf(run) };
  }
  if (!isProved(run))
    return { phase: 'Progressing', message: `step ${step.name}: every cluster of it ${whereMembersAre(run)}` };
  return soak(draft, step, plan);
}

/** Nothing is in the step, nor was, and no straggler of the ones before waits. */
function isPassed(run: Run): boolean {
  const isEmpty = membersUpTo(run).every(({ step: at, state }) => at < run.step && state !== 'Waiting');
  return isEmpty && !isDeserted(run, run.step);
}

function whereMembersAre(run: Run): string {
  return isDeserted(run, run.step) ? 'has left' : 'is silent';
}

function whyNotBegin(draft: Draft, step: RunStep, plan: PlanStep): Wait | undefined {
  const run = activeRun(draft);
  const before = run.steps[run.step - 1];
  // what a later step gets must be what the one before it has shown to work
  if (before && before.proved !== run.digest)
    throw new FleetError('Internal', `rollout ${draft.record.key}: step ${before.name} has not proved ${run.digest}`);
  if (plan.approval && !step.approved) {
    const who = [...plan.approval.people, ...plan.approval.roles].join(', ');
    return { phase: 'WaitingForApproval', message: `step ${step.name} waits for approval${who ? ` by ${who}` : ''}` };
  }
  return whyHeld(draft, step, plan);
}

/** Why nothing new may begin at this moment. */
function whyHeld(draft: Draft, step: RunStep, { windows }: PlanStep): Wait | undefined {
  const pause = pauseOf(draft);
  if (pause) return { phase: 'Paused', message: pause };
  const window = windowState(windows, draft.now);
  if (window.open) return undefined;
  if (window.opensAt) wakeAt(draft, window.opensAt.getTime());
  const opens = window.opensAt ? `, which opens at ${window.opensAt.toISOString()}` : '';
  return { phase: 'WaitingForWindow', message: `step ${step.name} waits for its change window${opens}` };
}

/** The pause in force, in words: of a person first, then of the object itself. */
export function pauseOf({ record, pause, now, wakes }: Draft): string | undefined {
  if (record.pause) {
    const { by, reason, until } = record.pause;
    if (until) wakes.push(Date.parse(until));
    return `paused by ${by}: ${reason}${until ? `, until ${until}` : ''}`;
  }
  if (!pause || (pause.until && Date.parse(pause.until) <= now.getTime())) return undefined;
  if (pause.until) wakes.push(Date.parse(pause.until));
  return `paused by its spec: ${pause.reason}${pause.until ? `, until ${pause.until}` : ''}`;
}

/** Members of the steps that have begun: those whose turn it is, and stragglers. */
function membersUpTo(run: Run): RunMember[] {
  return Object.values(run.members).filter((member) => member.step <= run.step);
}

interface Opening {
  step: RunStep;
  plan: PlanStep;
  open: RunMember[];
  held: Wait | undefined;
}

/** Lets members begin, as many as may be updated at once; returns how many still wait for their turn. */
function beginMembers(draft: Draft, { step, plan, open, held }: Opening): number {
  const run = activeRun(draft);
  const limit = held ? 0 : limitOf(plan.maxUpdate, step.size);
  const online = onlineOf(draft);
  let updating = Object.values(run.members).filter(({ state }) => state === 'Updating').length;
  let waiting = 0;
  for (const member of open) {
    if (!online.has(member) && run.plan.offline === 'Skip') passOver(draft, member);
    else if (updating < limit && (online.has(member) || run.plan.kind === 'RollingSync')) {
      begin(draft, member);
      updating += 1;
    } else waiting += 1;
  }
  return waiting;
}

function onlineOf(draft: Draft): Set<RunMember> {
  const members = Object.entries(activeRun(draft).members);
  return new Set(members.filter(([id]) => draft.facts.get(id)?.online).map(([, member]) => member));
}

/** Gives a member the run's bundles. */
export function begin(draft: Draft, member: RunMember): void {
  for (const [id, { to }] of Object.entries(member.apps)) {
    const pin = draft.record.pins[id] ?? {};
    draft.record.pins[id] = { ...pin, now: to };
  }
  enter(draft, member, { state: 'Updating' });
  member.unreported = true;
}

/** A step all of whose members were passed over, or have left, has shown nothing. */
function isProved(run: Run): boolean {
  const members = Object.values(run.members).filter((member) => member.step === run.step);
  if (isDeserted(run, run.step)) return false;
  return members.length === 0 || members.some(({ state }) => state === 'Healthy');
}

function soak(draft: Draft, step: RunStep, { soakMs }: PlanStep): Wait | undefined {
  step.soakingSince ??= draft.now.toISOString();
  const end = Date.parse(step.soakingSince) + soakMs;
  if (draft.now.getTime() >= end) return undefined;
  wakeAt(draft, end);
  return { phase: 'Soaking', message: `step ${step.name} soaks until ${new Date(end).toISOString()}` };
}

function progressOf(run: Run): string {
  const step = run.steps[run.step];
  const members = Object.values(run.members).filter((member) => member.step === run.step);
  const count = (state: RunMember['state']) => members.filter((member) => member.state === state).length;
  const failed = count('Failed') > 0 ? `, ${count('Failed')} failed` : '';
  return `step ${step?.name} (${run.step + 1} of ${run.steps.length}): ${count('Healthy')} of ${members.length} healthy${failed}`;
}
