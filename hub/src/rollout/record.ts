import type { Plan } from './plan.ts';

/** What an Application may run: exactly this bundle. */
export interface Pin {
  /** `sha256:<hex>`. */
  bundle: string;
  /** Commit it came from. */
  revision: string;
}

export interface AppPin {
  /** What is assigned; absent: nothing was yet. */
  now?: Pin;
  /** What a rollout that ended well left, and a failing one returns to. */
  good?: Pin;
}

/**
 * Waiting: its step has not come. Updating: given the new bundle. Healthy: runs it. Failed: did not get there.
 * Skipped: silent, passed over. Returning, Returned: given back what was recorded, and runs it. Kept: touched, and
 * nothing is recorded to return to.
 */
export type MemberState = 'Waiting' | 'Updating' | 'Healthy' | 'Failed' | 'Skipped' | 'Returning' | 'Returned' | 'Kept';

export interface RunMember {
  step: number;
  state: MemberState;
  /** RFC 3339: since when it is in this state. */
  since: string;
  message?: string;
  /** How often it was Healthy and then no longer. */
  relapses?: number;
  /** It was given its bundles, and has reported nothing of them. */
  unreported?: true;
  /** What changes, by Application id. */
  apps: Record<string, { from?: Pin; to: Pin }>;
}

export interface RunStep {
  name: string;
  /** How many members it takes, whether they change or not: what percentages are of. */
  size: number;
  /** How many of them changed when the run began: a step that has lost all of these has shown nothing. */
  took?: number;
  startedAt?: string;
  /** Since when every member of the step is where it should be. */
  soakingSince?: string;
  provedAt?: string;
  /** Digest of the run that this step proved: the next step begins for nothing else. */
  proved?: string;
  approved?: { by: string; at: string; comment?: string };
}

export type RunOutcome = 'Completed' | 'Failed' | 'Aborted' | 'Superseded';

/** One pass through the steps with one set of bundles. */
export interface Run {
  number: number;
  /** Digest over what each Application gets. */
  digest: string;
  /** Commits it brings, for people. */
  revision: string;
  /** The same in full, the commonest first; at most 10. */
  revisions: string[];
  startedAt: string;
  /** Index of the step that is under way. */
  step: number;
  steps: RunStep[];
  members: Record<string, RunMember>;
  plan: Plan;
  traceparent?: string;
  /** It takes back what the run before brought. */
  undoes?: number;
  /** Set while the touched members are given back what was recorded. */
  returning?: { reason: string; by: string; at: string };
  endedAt?: string;
  outcome?: RunOutcome;
  /** Why it ended as it did. */
  reason?: string;
}

export type RolloutPhase =
  /** Everything runs what Git says. */
  | 'Completed'
  /** A newer revision is there, but not everything is rendered. */
  | 'Preparing'
  | 'Progressing'
  | 'Soaking'
  | 'WaitingForApproval'
  | 'WaitingForWindow'
  | 'Paused'
  | 'Returning'
  | 'Failed'
  | 'Aborted'
  /** Cannot begin: the message says what must change. */
  | 'Invalid'
  /** The object was deleted while something was behind. */
  | 'Orphaned';

export interface RolloutEvent {
  seq: number;
  at: string;
  type: string;
  message: string;
  by: string;
}

export interface Pause {
  reason: string;
  by: string;
  at: string;
  until?: string;
}

/** A rollout in KV `fleet`; written before anything is done, and read again before anything is decided. */
export interface RolloutRecord {
  /** See `store/record-format.ts`. */
  v: number;
  key: string;
  phase: RolloutPhase;
  message: string;
  /** RFC 3339: since when it is in this phase. */
  since: string;
  pins: Record<string, AppPin>;
  run?: Run;
  /** Bundles that are not rolled out again by themselves: a run with them failed, was aborted or undone. */
  refused?: { bundles: string[]; reason: string; at: string };
  /** By `rollout`: a step failed, and a person decides; `over` a person's pause that is in force again afterwards. */
  pause?: Pause & { over?: Pause };
  /** What a person asked for and was not decided yet: to end the run where it is, to take it back, to unpin everything. */
  asked?: { what: 'abort' | 'undo' | 'release'; by: string; reason: string };
  warnings: string[];
  /** The last 50. */
  events: RolloutEvent[];
  /** Number of the newest event; those up to `audited` are in the audit stream. */
  seq: number;
  audited: number;
  /** RFC 3339: when something follows from time alone. */
  wakeAt?: string;
}

export function emptyRecord(key: string, now: Date): RolloutRecord {
  return {
    v: 1,
    key,
    phase: 'Completed',
    message: '',
    since: now.toISOString(),
    pins: {},
    warnings: [],
    events: [],
    seq: 0,
    audited: 0,
  };
}

/** What a failed step had paused is decided; a pause that a person set is not touched by that. */
export function endOwnPause(record: RolloutRecord): void {
  const { pause } = record;
  if (pause?.by !== 'rollout') return;
  delete record.pause;
  if (pause.over) record.pause = pause.over;
}

export function isActive(run: Run | undefined): run is Run {
  return run !== undefined && run.outcome === undefined;
}

export function samePin(a: Pin | undefined, b: Pin | undefined): boolean {
  return a?.bundle === b?.bundle;
}
