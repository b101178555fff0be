/**
 * What the hub keeps of a failover rule, in KV `fleet` (`rule.NAMESPACE.NAME`). Inputs: the rule while it is there, and that it
 * is gone. A rule that comes back under its name goes on where it was: it must neither act twice in one outage, nor sooner
 * than it may, nor in a term that a plan of it has already.
 */
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import type { Table } from '../fleet/records.ts';
import { whyNotUnderstood } from '../store/record-format.ts';
import type { Failover } from './failover.ts';
import { isUnfinished } from './plan-record.ts';

/** What a rule did last. */
export interface RuleRecord {
  /** See `store/record-format.ts`. */
  v?: number;
  /** Grows by one each time the rule acts; whoever writes it acts. */
  term: number;
  /** Which outage it acted upon: when the last of its clusters was heard of last. */
  outage: string;
  /** RFC 3339. */
  at: string;
  /** Absent: whoever wrote the term has not made the plan yet. */
  plan?: string;
  /** Why no plan was started. */
  refused?: string;
  /** A plan that was changing the same clusters: the rule acts once that is done. */
  waitsFor?: string;
  /** RFC 3339: when a plan of the rule was started last, whichever term that was. */
  startedAt?: string;
  /** How long after that it may start none. */
  everyMs?: number;
  /** RFC 3339: when the rule was first seen to be gone. */
  goneAt?: string;
}

export interface RuleRecordDeps {
  rules: Pick<Table<RuleRecord>, 'find' | 'read' | 'put' | 'delete'>;
  failover: Pick<Failover, 'list' | 'find'>;
  now(): Date;
}

/** How long the record of a rule that is gone is kept: longer than outages last. */
const keptMs = 30 * 86_400_000;

export function recordName({ metadata }: Pick<FailoverRule, 'metadata'>): string {
  return `${metadata.namespace}.${metadata.name}`;
}

/** Who a plan of this term belongs to. */
export function ownerOf({ metadata }: Pick<FailoverRule, 'metadata'>, { term }: Pick<RuleRecord, 'term'>): string {
  return `failover rule ${metadata.namespace}/${metadata.name} (term ${term})`;
}

/** Of a rule that has none: it begins above the highest term that a plan of one of its name had. */
export function newRecord(rule: FailoverRule, { failover }: Pick<RuleRecordDeps, 'failover'>): RuleRecord {
  const [before = ''] = ownerOf(rule, { term: 0 }).split('0)');
  const owners = failover.list().map(({ owner }) => owner);
  const terms = owners.flatMap((owner) =>
    owner.startsWith(before) ? Number.parseInt(owner.slice(before.length), 10) : [],
  );
  return { v: 1, term: Math.max(0, ...terms.filter(Number.isFinite)), outage: '', at: '' };
}

/** The rule is there, or is back. */
export async function keepRecord(rule: FailoverRule, { rules }: Pick<RuleRecordDeps, 'rules'>): Promise<void> {
  const name = recordName(rule);
  if (rules.find(name)?.goneAt === undefined) return;
  const stored = await rules.read(name);
  if (!stored || whyNotUnderstood('rule', name, stored.value) !== undefined) return;
  const { goneAt: _goneAt, ...record } = stored.value;
  await rules.put(name, record, stored.revision);
}

/** Whether `forgetRecord` has anything to do with the record of a rule that is gone. */
export function isForgettable(record: RuleRecord, now: Date): boolean {
  if (whyNotUnderstood('rule', '', record) !== undefined) return false;
  return record.goneAt === undefined || now.getTime() >= keptUntil(record);
}

/** The rule is gone: its record is marked, and removed much later, unless a plan of it is still at work. */
export async function forgetRecord(name: string, { rules, failover, now }: RuleRecordDeps): Promise<void> {
  const stored = await rules.read(name);
  if (!stored || !isForgettable(stored.value, now())) return;
  const plan = failover.find(stored.value.plan ?? '');
  try {
    if (stored.value.goneAt === undefined)
      await rules.put(name, { ...stored.value, goneAt: now().toISOString() }, stored.revision);
    else if (!plan || !(isUnfinished(plan) || plan.phase === 'Planned')) await rules.delete(name, stored.revision);
  } catch (error) {
    // another hub was faster, or saw the rule come back
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}

function keptUntil({ goneAt = '', startedAt, everyMs = 0 }: RuleRecord): number {
  const mayStartAgainAt = startedAt === undefined ? 0 : Date.parse(startedAt) + everyMs;
  return Math.max(Date.parse(goneAt) + keptMs, mayStartAgainAt);
}
