import { activeRun, type Draft, note, wakeAt } from './draft.ts';
import { type AppFacts, type MemberFacts, standingOf, worstOf } from './facts.ts';
import { placeJoining } from './place.ts';
import type { PlanStep } from './plan.ts';
import { type MemberState, type Pin, type Run, type RunMember, samePin } from './record.ts';

/** A member that turns unhealthy again this often is taken as failed, or a step might never end. */
const maxRelapses = 3;
export const returnDeadlineMs = 600_000;

/** Brings the members of a run up to date: who left, who came, and how each does. */
export function followMembers(draft: Draft): void {
  const run = activeRun(draft);
  const left: string[] = [];
  for (const [id, member] of Object.entries(run.members)) {
    const facts = factsOf(draft, id, member);
    if (facts) leaveApps(member, facts);
    if (facts && Object.keys(member.apps).length > 0) observe(draft, member, facts);
    else left.push(id);
  }
  for (const id of left) delete run.members[id];
  if (left.length > 0) note(draft.record, draft.now, { type: 'MembersLeft', message: `left: ${namesOf(left)}` });
  if (run.returning) return;
  const joined = draft.members.filter((facts) => !run.members[facts.id] && join(draft, run, facts));
  if (joined.length > 0)
    note(draft.record, draft.now, { type: 'MembersJoined', message: `joined: ${namesOf(joined.map(({ id }) => id))}` });
}

/** One whose Applications cannot be placed now has not left: it is silent. */
function factsOf({ facts, away }: Draft, id: string, { apps }: RunMember): MemberFacts | undefined {
  const known = facts.get(id);
  const absent = Object.keys(apps).filter((app) => away.has(app));
  if (absent.length === 0) return known;
  return {
    id,
    labels: {},
    online: false,
    ...known,
    apps: [...(known?.apps ?? []), ...absent.map((app) => ({ id: app }))],
  };
}

/** The first few, and how many more. */
export function namesOf(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
}

/** An Application that is gone holds nothing up. */
function leaveApps(member: RunMember, facts: MemberFacts): void {
  const present = new Set(facts.apps.map((app) => app.id));
  for (const id of Object.keys(member.apps)) if (!present.has(id)) delete member.apps[id];
}

/** A member that comes takes part when what it would get is what this run brings; else it waits for the next run. */
function join(draft: Draft, run: Run, facts: MemberFacts): boolean {
  const step = placeJoining(run.plan, facts);
  if (step === undefined) return false;
  const apps = Object.fromEntries(
    facts.apps.flatMap((app) => {
      const change = joiningChange(draft, run, app);
      return change ? [[app.id, change] as const] : [];
    }),
  );
  if (Object.keys(apps).length === 0) return false;
  run.members[facts.id] = { step, state: 'Waiting', since: draft.now.toISOString(), apps };
  addLikes(draft, apps);
  return true;
}

/** Until its step comes, a newcomer runs what those ran before that come to the same. */
function joiningChange(draft: Draft, run: Run, { id, newest }: AppFacts): { from?: Pin; to: Pin } | undefined {
  if (!newest || samePin(draft.record.pins[id]?.now, newest)) return undefined;
  const { record } = draft;
  const like = likeNewcomer(draft, run, newest);
  if (!like) return undefined;
  const from = record.pins[id]?.now ?? like.from;
  if (!from) return { to: newest };
  record.pins[id] ??= { now: from, good: from };
  return { from, to: newest };
}

function likeNewcomer(draft: Draft, run: Run, newest: Pin): { from?: Pin } | undefined {
  return likeOf(draft, run, newest) ?? (newest.revision === run.revisions[0] ? {} : undefined);
}

/** What another Application of the run gets that comes to the same manifests. */
export function likeOf(draft: Draft, run: Run, newest: Pin): { from?: Pin; to: Pin } | undefined {
  if (draft.likes?.run !== run) {
    draft.likes = { run, byBundle: new Map() };
    for (const { apps } of Object.values(run.members)) addLikes(draft, apps);
  }
  return draft.likes.byBundle.get(newest.bundle);
}

/** To look for it among thousands of members, for each of thousands that are not in the run, takes seconds. */
function addLikes({ likes }: Draft, apps: RunMember['apps']): void {
  for (const change of Object.values(apps))
    if (change.from && likes && !likes.byBundle.has(change.to.bundle)) likes.byBundle.set(change.to.bundle, change);
}

function observe(draft: Draft, member: RunMember, facts: MemberFacts): void {
  switch (member.state) {
    case 'Returning':
      return observeReturn(draft, member, facts);
    case 'Skipped':
    case 'Waiting':
      return observeUntouched(draft, member, facts);
    case 'Updating':
    case 'Healthy':
    case 'Failed':
      return observeTouched(draft, member, facts);
    case 'Returned':
    case 'Kept':
      return;
  }
}

function observeUntouched(draft: Draft, member: RunMember, { online }: MemberFacts): void {
  if (member.state === 'Waiting' && !online) waitForSilent(draft, member);
  if (member.state === 'Skipped' && online) enter(draft, member, { state: 'Waiting' });
}

function observeTouched(draft: Draft, member: RunMember, facts: MemberFacts): void {
  const standing = standingOfMember(member, facts, 'to');
  if (standing.is === 'progressing' && standing.unreported) member.unreported = true;
  else delete member.unreported;
  if (standing.is === 'healthy') return enter(draft, member, { state: 'Healthy' });
  const why = facts.online ? standing.why : `${standing.why}, and its cluster is silent`;
  if (member.state === 'Failed') member.message = why;
  else if (member.state === 'Healthy' && standing.is === 'progressing') relapse(draft, member, why);
  else judgeMember(draft, member, { failed: standing.is === 'failed', why });
}

/** A member whose turn it is, and whose cluster is silent, is waited for no longer than for one that does not get Healthy. */
function waitForSilent(draft: Draft, member: RunMember): void {
  const run = activeRun(draft);
  const startedAt = run.steps[member.step]?.startedAt;
  const deadlineMs = run.plan.steps[member.step]?.deadlineMs;
  if (startedAt === undefined || deadlineMs === undefined) return;
  if (run.plan.offline === 'Skip') return passOver(draft, member);
  const end = Math.max(Date.parse(startedAt), Date.parse(member.since)) + deadlineMs;
  wakeAt(draft, end);
  if (draft.now.getTime() >= end)
    enter(draft, member, { state: 'Failed', message: 'its cluster was silent for as long as it was waited for' });
}

export function passOver(draft: Draft, member: RunMember): void {
  enter(draft, member, { state: 'Skipped', message: 'its cluster is silent; it follows when it is back' });
}

function judgeMember(draft: Draft, member: RunMember, { failed, why }: { failed: boolean; why: string }): void {
  const step = activeRun(draft).plan.steps[member.step];
  if (!step?.tolerance) return enter(draft, member, { state: 'Updating', message: why });
  const late = step.deadlineMs !== undefined && isPast(draft, member, step.deadlineMs);
  if (failed) enter(draft, member, { state: 'Failed', message: why });
  else if (late) enter(draft, member, { state: 'Failed', message: `${inTime(step)}: ${why}` });
  else member.message = why;
}

function relapse(draft: Draft, member: RunMember, why: string): void {
  member.relapses = (member.relapses ?? 0) + 1;
  if (member.relapses < maxRelapses || !activeRun(draft).plan.steps[member.step]?.tolerance)
    return enter(draft, member, { state: 'Updating', message: why });
  enter(draft, member, { state: 'Failed', message: `does not stay Healthy: ${why}` });
}

function observeReturn(draft: Draft, member: RunMember, facts: MemberFacts): void {
  const standing = standingOfMember(member, facts, 'from');
  if (standing.is === 'healthy') return enter(draft, member, { state: 'Returned' });
  member.message = standing.why;
  if (isPast(draft, member, returnDeadlineMs))
    enter(draft, member, { state: 'Returned', message: `assigned, but not confirmed within 10 min: ${standing.why}` });
}

function standingOfMember(member: RunMember, facts: MemberFacts, which: 'from' | 'to') {
  const apps = new Map(facts.apps.map((app) => [app.id, app]));
  const wanted = Object.entries(member.apps).flatMap(([id, change]) => {
    const pin = change[which];
    return pin ? [standingOf(apps.get(id), pin)] : [];
  });
  return worstOf(wanted);
}

export function enter(draft: Draft, member: RunMember, next: { state: MemberState; message?: string }): void {
  if (next.message === undefined) delete member.message;
  else member.message = next.message;
  if (member.state === next.state) return;
  member.state = next.state;
  member.since = draft.now.toISOString();
}

function isPast(draft: Draft, member: RunMember, deadlineMs: number): boolean {
  const end = Date.parse(member.since) + deadlineMs;
  wakeAt(draft, end);
  return draft.now.getTime() >= end;
}

function inTime({ deadlineMs = 0 }: PlanStep): string {
  return `not Healthy within ${Math.round(deadlineMs / 1000)} s`;
}
