import { createHash } from 'node:crypto';
import { type Draft, note, setPhase } from './draft.ts';
import { type AppFacts, type MemberFacts, shortRevision } from './facts.ts';
import { refuse } from './finish.ts';
import { likeOf, namesOf } from './observe.ts';
import { type Placement, place } from './place.ts';
import type { Plan } from './plan.ts';
import { type AppPin, type Pin, type Run, type RunMember, samePin } from './record.ts';

type Changes = Map<string, RunMember['apps']>;

/** `waiting`: something is new, and the phase says why it does not begin. */
export type Start = 'started' | 'waiting' | 'nothing';

/** Begins a run when something new is there to roll out. */
export function startRun(draft: Draft, plan: Plan): Start {
  const undo = undoOf(draft);
  const changes = undo?.changes ?? newsOf(draft);
  if (changes.size === 0) return 'nothing';
  if (!undo) {
    if (draft.preparing !== undefined) return wait(draft, 'Preparing', draft.preparing);
    if (isJoining(draft, plan, changes)) {
      adoptJoining(draft, changes);
      return 'nothing';
    }
  }
  const { steps, missed, warnings } = place(plan, draft.members, draft.record.key);
  draft.record.warnings = warnings;
  const unplaced = waitForPlaces(draft, plan, { steps, missed });
  if (unplaced) return unplaced;
  if (![...changes.keys()].some((id) => steps.has(id))) return 'nothing';
  begin(draft, createRun(draft, { plan, changes, steps }), undo);
  return 'started';
}

function waitForPlaces(draft: Draft, plan: Plan, { steps, missed }: Pick<Placement, 'steps' | 'missed'>) {
  if (missed.length > 0 && !plan.leavesOut)
    return wait(
      draft,
      'Invalid',
      `no step takes ${namesOf(missed)}: add a last step with neither clusters nor portion`,
    );
  const emptied = whyEmptied(draft, plan, steps);
  return emptied === undefined ? undefined : wait(draft, 'Preparing', emptied);
}

/** A step may be empty because whom it takes cannot be placed for the moment: later steps must not begin without it. */
function whyEmptied({ away }: Draft, { leavesOut, steps: plans }: Plan, steps: ReadonlyMap<string, number>) {
  if (leavesOut || away.size === 0) return undefined;
  const taken = new Set(steps.values());
  const empty = plans.find((_, index) => !taken.has(index));
  return empty && `step ${empty.name} takes nothing while it is not known where ${namesOf([...away])} go`;
}

function wait(draft: Draft, phase: 'Preparing' | 'Invalid', message: string): Start {
  setPhase(draft, phase, message);
  return 'waiting';
}

function begin(draft: Draft, run: Run, undo: Undo | undefined): void {
  if (undo) takeBack(draft, run, undo);
  else delete draft.record.refused;
  draft.record.run = run;
  const by = undo?.by ?? 'rollout';
  note(draft.record, draft.now, { type: 'RolloutStarted', message: `run ${run.number} takes ${run.revision}`, by });
}

interface Undo {
  changes: Changes;
  number: number;
  by: string;
  reason: string;
}

/** What is taken back does not come again by itself. */
function takeBack({ record, now }: Draft, run: Run, undo: Undo): void {
  run.undoes = undo.number;
  if (record.run)
    refuse(record, record.run, { reason: `run ${undo.number} was taken back by ${undo.by}: ${undo.reason}`, at: now });
}

/** What is new, by member: what Git gives, is not assigned yet, and was not refused. */
export function newsOf({ record, members }: Pick<Draft, 'record' | 'members'>): Changes {
  const refused = new Set(record.refused?.bundles);
  return changesOf(members, ({ id, newest }) => {
    const pin = record.pins[id];
    if (!newest || refused.has(newest.bundle)) return undefined;
    // what is assigned and was not proved (a run was superseded) is still to be proved
    return samePin(newest, pin?.now) && samePin(newest, pin?.good) ? undefined : changeOf(pin, newest);
  });
}

function changesOf(
  members: readonly MemberFacts[],
  change: (app: AppFacts) => { from?: Pin; to: Pin } | undefined,
): Changes {
  const changes: Changes = new Map();
  for (const { id, apps } of members) {
    const changed = apps.flatMap((app) => {
      const made = change(app);
      return made ? [[app.id, made] as const] : [];
    });
    if (changed.length > 0) changes.set(id, Object.fromEntries(changed));
  }
  return changes;
}

/** A return goes to what a rollout has left that ended well, never to what is merely assigned. */
function changeOf(pin: AppPin | undefined, to: Pin): { from?: Pin; to: Pin } {
  return { to, ...(pin?.good ? { from: pin.good } : {}) };
}

/** A person takes back the last run that ended well: another run through the same steps, to what was before. */
function undoOf(draft: Draft): Undo | undefined {
  const { record, members } = draft;
  const { asked, run } = record;
  delete record.asked;
  if (asked?.what !== 'undo' || run?.outcome !== 'Completed') return undefined;
  const changes = changesOf(members, ({ id }) => {
    const before = Object.values(run.members).find(({ apps }) => apps[id])?.apps[id]?.from;
    const now = record.pins[id]?.now;
    return before && now && !samePin(before, now) ? { from: now, to: before } : undefined;
  });
  return { changes, number: run.number, by: asked.by, reason: asked.reason };
}

/** Whether all that is new are clusters that came while nothing was under way: they bring no change. */
function isJoining({ record, members }: Draft, plan: Plan, changes: Changes): boolean {
  if (plan.kind !== 'FleetRollout') return false;
  const isNew = (id: string) =>
    members.find((member) => member.id === id)?.apps.every((app) => !record.pins[app.id]?.now) ?? false;
  const settled = members.some(({ apps }) => apps.some((app) => record.pins[app.id]?.now));
  return settled && [...changes.keys()].every(isNew);
}

/** A newcomer gets what Git gives, but never a revision that was refused: manifests of its own prove nothing of it. */
function adoptJoining({ record, now }: Draft, changes: Changes): void {
  const refused = new Set(record.refused ? record.run?.revisions : []);
  const joined = [...changes].filter(([, apps]) => Object.values(apps).every(({ to }) => !refused.has(to.revision)));
  for (const [, apps] of joined)
    for (const [id, { to }] of Object.entries(apps)) record.pins[id] = { now: to, good: to };
  if (joined.length > 0)
    note(record, now, { type: 'MembersJoined', message: `joined: ${namesOf(joined.map(([id]) => id))}` });
}

/** What a newcomer gets while what Git gives is refused: what those returned to that came to the same. */
export function placeRefused(draft: Draft): void {
  const { record, members } = draft;
  const { run, refused } = record;
  if (!run || !refused) return;
  const bundles = new Set(refused.bundles);
  for (const { id, newest } of members.flatMap(({ apps }) => apps)) {
    if (record.pins[id]?.now || !newest || !bundles.has(newest.bundle)) continue;
    const from = likeOf(draft, run, newest)?.from;
    if (from) record.pins[id] = { now: from, good: from };
  }
}

interface Begin {
  plan: Plan;
  changes: Changes;
  steps: ReadonlyMap<string, number>;
}

function createRun({ record, now, members: facts }: Draft, { plan, changes, steps }: Begin): Run {
  const at = now.toISOString();
  const members: Run['members'] = {};
  for (const [id, apps] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const step = steps.get(id);
    if (step !== undefined) members[id] = { step, state: 'Waiting', since: at, apps };
  }
  if (plan.kind === 'RollingSync') addUnchanged(members, { facts, steps, record, at });
  const sizes = [...steps.values()];
  const changed = Object.values(members).map(({ step }) => step);
  const trace = facts.find(({ id }) => members[id])?.apps.find(({ traceparent }) => traceparent)?.traceparent;
  return {
    number: (record.run?.number ?? 0) + 1,
    digest: digestOf(members),
    ...revisionsOf(members),
    startedAt: at,
    step: 0,
    steps: plan.steps.map(({ name }, index) => ({
      name,
      size: sizes.filter((step) => step === index).length,
      took: changed.filter((step) => step === index).length,
    })),
    members,
    plan,
    ...(trace ? { traceparent: trace } : {}),
  };
}

interface Unchanged {
  facts: readonly MemberFacts[];
  steps: ReadonlyMap<string, number>;
  record: Draft['record'];
  at: string;
}

/** Argo CD: a step ends when all its Applications are Healthy, those too that do not change. */
function addUnchanged(members: Run['members'], { facts, steps, record, at }: Unchanged): void {
  for (const { id, apps } of facts) {
    const step = steps.get(id);
    if (step === undefined || members[id]) continue;
    const same = apps.flatMap((app) => {
      const pin = record.pins[app.id]?.now;
      return pin ? [[app.id, { from: pin, to: pin }] as const] : [];
    });
    if (same.length > 0) members[id] = { step, state: 'Updating', since: at, apps: Object.fromEntries(same) };
  }
}

function digestOf(members: Run['members']): string {
  const pins = Object.values(members).flatMap(({ apps }) =>
    Object.entries(apps).map(([id, { to }]) => [id, to.bundle]),
  );
  return createHash('sha256')
    .update(JSON.stringify(pins.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))))
    .digest('hex')
    .slice(0, 16);
}

/** The commits, the commonest first. */
function revisionsOf(members: Run['members']): Pick<Run, 'revision' | 'revisions'> {
  const counts = new Map<string, number>();
  for (const { apps } of Object.values(members))
    for (const { to } of Object.values(apps)) counts.set(to.revision, (counts.get(to.revision) ?? 0) + 1);
  const revisions = [...counts].sort(([, a], [, b]) => b - a).map(([revision]) => revision);
  const short = revisions.map((revision) => shortRevision({ revision }));
  const revision = short.length > 3 ? `${short.slice(0, 3).join(', ')} and ${short.length - 3} more` : short.join(', ');
  return { revision, revisions: revisions.slice(0, 10) };
}
