import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { MemberFacts } from './facts.ts';
import type { Plan } from './plan.ts';
import type { Pin, RolloutPhase, RolloutRecord, Run } from './record.ts';

/** What a decision is made from. */
export interface DecideInput {
  record: RolloutRecord;
  /** Absent: the object was deleted. */
  plan: Plan | undefined;
  /** Why the object cannot be acted upon (no such set, another rollout has the Applications). */
  invalid?: string | undefined;
  /** A pause that the object itself asks for. */
  pause?: { reason: string; until?: string } | undefined;
  members: readonly MemberFacts[];
  /** Applications that belong to it and cannot be placed now: their pins, and their part in a run, stay. */
  away?: ReadonlySet<string>;
  /** Why what Git gives is not complete yet: nothing begins before it is. */
  preparing?: string | undefined;
  /** By the clock of NATS. */
  now: Date;
}

/** A record while the next one is made of it. */
export interface Draft extends Omit<DecideInput, 'record' | 'away'> {
  /** A copy: its own to change. */
  record: RolloutRecord;
  facts: ReadonlyMap<string, MemberFacts>;
  away: ReadonlySet<string>;
  /** Moments at which something follows from time alone. */
  wakes: number[];
  /** Changes of a run that have something to return to, the first of each bundle; made when it is asked for. */
  likes?: { run: Run; byBundle: Map<string, { from?: Pin; to: Pin }> };
}

const keptEvents = 50;

export function createDraft(input: DecideInput): Draft {
  return {
    ...input,
    record: structuredClone(input.record),
    facts: new Map(input.members.map((member) => [member.id, member])),
    away: input.away ?? new Set(),
    wakes: [],
  };
}

export interface Note {
  type: string;
  message: string;
  by?: string;
}

/** Adds an event. */
export function note(record: RolloutRecord, now: Date, { type, message, by = 'rollout' }: Note): void {
  record.seq += 1;
  record.events.push({ seq: record.seq, at: now.toISOString(), type, message, by });
  record.events = record.events.slice(-keptEvents);
}

export function setPhase({ record, now }: Pick<Draft, 'record' | 'now'>, phase: RolloutPhase, message: string): void {
  if (record.phase !== phase) record.since = now.toISOString();
  record.phase = phase;
  record.message = message;
}

export function activeRun({ record }: Pick<Draft, 'record'>): Run {
  if (!record.run || record.run.outcome) throw new FleetError('Internal', `rollout ${record.key} has no run under way`);
  return record.run;
}

export function wakeAt(draft: Draft, at: number): void {
  if (at > draft.now.getTime()) draft.wakes.push(at);
}
