/**
 * Automatic failover: a rule whose clusters are all silent for long enough has a plan made and started, once for each
 * outage. Inputs: the rule, the inventory, its own record. It never moves what policy Never keeps, never exceeds the
 * rule's budget, and of two hubs only the one that writes the term acts.
 */
import { parseDuration } from '@wheelhouse/shared/config/duration';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import type { AuditEntry } from '../store/audit.ts';
import { whyNotUnderstood } from '../store/record-format.ts';
import { rivalIn } from './claims.ts';
import type { Failover, PlanOptions } from './failover.ts';
import type { FailoverRequest } from './label-changes.ts';
import { type OutageDeps, outageOf } from './outage.ts';
import { isActive, wasBegun } from './plan-record.ts';
import type { PlanView } from './plan-view.ts';
import { keepRecord, newRecord, ownerOf, type RuleRecord, type RuleRecordDeps, recordName } from './rule-record.ts';
import { onlyFor } from './some-applications.ts';

export interface RuleDeps extends OutageDeps, RuleRecordDeps {
  logger: Logger;
  failover: Pick<Failover, 'plan' | 'start' | 'abort' | 'list' | 'find'>;
  audit(entry: AuditEntry): void;
  observe(outcome: 'started' | 'refused' | 'waiting'): void;
}

const defaultEveryMs = 3_600_000;
/** A hub that wrote the term and made no plan by then has died; one that had to wait for another plan looks again. */
const graceMs = 30_000;

export async function runRule(rule: FailoverRule, deps: RuleDeps, signal: AbortSignal): Promise<void> {
  await keepRecord(rule, deps);
  const outage = rule.spec.enabled === true ? outageOf(rule, deps) : undefined;
  if (outage === undefined) return;
  const claimed = await claim(rule, outage, deps);
  if (!claimed) return;
  const done = await act(rule, claimed, { deps, signal });
  const mine = await deps.rules.read(recordName(rule));
  if (mine?.value.term === claimed.term) await deps.rules.put(recordName(rule), done, mine.revision);
}

/** Writes the next term; undefined when it is not time, or another hub was faster. */
async function claim(rule: FailoverRule, outage: string, deps: RuleDeps): Promise<RuleRecord | undefined> {
  const name = recordName(rule);
  const stored = await deps.rules.read(name);
  if (stored && !mayAct(rule, stored.value, { outage, deps })) return undefined;
  const cutOff = stored && startedBefore(rule, stored.value, deps);
  if (cutOff) {
    await deps.rules.put(name, cutOff, stored.revision);
    return undefined;
  }
  const { value, revision } = stored ?? { value: newRecord(rule, deps), revision: 0 };
  const claimed = nextTerm(value, { outage, now: deps.now() });
  try {
    await deps.rules.put(name, claimed, revision);
    return claimed;
  } catch (error) {
    // another hub was faster, and acts
    if (isFleetError(error, 'Conflict')) return undefined;
    throw error;
  }
}

/** The record of a term whose plan was started by a hub that died before it could write so. */
function startedBefore(rule: FailoverRule, record: RuleRecord, { failover }: RuleDeps): RuleRecord | undefined {
  if (!isOpen(record)) return undefined;
  const owner = ownerOf(rule, record);
  const started = failover.list().find((plan) => plan.owner === owner && wasBegun(plan));
  return started && { ...record, plan: started.id, startedAt: record.at };
}

function nextTerm(before: RuleRecord, { outage, now }: { outage: string; now: Date }): RuleRecord {
  const startedAt = startOf(before);
  const started = startedAt === undefined ? {} : { startedAt };
  const everyMs = before.everyMs === undefined ? {} : { everyMs: before.everyMs };
  return { v: 1, term: before.term + 1, outage, at: now.toISOString(), ...started, ...everyMs };
}

/** Once for each outage. */
function mayAct(
  rule: FailoverRule,
  record: RuleRecord,
  { outage, deps: { failover, now } }: { outage: string; deps: RuleDeps },
): boolean {
  if (whyNotUnderstood('rule', recordName(rule), record) !== undefined) return false;
  if (record.outage !== outage) return true;
  const rival = record.waitsFor === undefined ? undefined : failover.find(record.waitsFor);
  if (!isOpen(record) || (rival && isActive(rival))) return false;
  return now().getTime() - Date.parse(record.at) > graceMs;
}

/** Nothing came of it yet: its hub died, or it waits for another plan. */
function isOpen({ plan, refused }: RuleRecord): boolean {
  return plan === undefined && refused === undefined;
}

/** Records of earlier versions do not say it. */
function startOf({ startedAt, plan, refused, at }: RuleRecord): string | undefined {
  return startedAt ?? (plan !== undefined && refused === undefined ? at : undefined);
}

async function act(
  rule: FailoverRule,
  claimed: RuleRecord,
  { deps, signal }: { deps: RuleDeps; signal: AbortSignal },
): Promise<RuleRecord> {
  const { spec, metadata } = rule;
  const name = `${metadata.namespace}/${metadata.name}`;
  const owner = ownerOf(rule, claimed);
  const reason = `every cluster of '${spec.from}' is silent since ${claimed.outage}`;
  let plan: PlanView | undefined;
  try {
    plan = await deps.failover.plan(askedOf(rule), { owner, reason, kind: 'automatic', ...paceOf(rule) }, signal);
    const beyond = whyBeyond(plan, rule) ?? whyTooSoon(claimed, rule);
    if (beyond !== undefined) return refuse({ ...claimed, plan: plan.id, refused: beyond }, name, deps);
    await deps.failover.start(plan.id, { by: owner, accept: [] }, signal);
  } catch (error) {
    // nothing is written of what was only cut short: the next hub acts after the grace
    if (signal.aborted || toFleetError(error).retryable) throw error;
    const rival = rivalIn(error);
    if (rival !== undefined) {
      // the next term makes its own: nobody shall take this one for something that is left to a person
      if (plan) await deps.failover.abort(plan.id, { by: owner, reason: `waits for plan ${rival}` });
      return waitFor(rival, claimed, { name, deps });
    }
    const refused = toFleetError(error).message;
    return refuse({ ...claimed, ...(plan ? { plan: plan.id } : {}), refused }, name, deps);
  }
  deps.logger.error({ rule: name, plan: plan.id, term: claimed.term, reason }, 'automatic failover started');
  deps.audit({
    by: owner,
    action: 'fail over automatically',
    object: plan.id,
    details: { reason, term: claimed.term },
  });
  deps.observe('started');
  return { ...claimed, plan: plan.id, startedAt: claimed.at, everyMs: everyMsOf(rule) };
}

function askedOf({ spec: { from, to, apps, labels, setFrom, setTo } }: FailoverRule): FailoverRequest {
  return {
    from,
    to,
    ...onlyFor(apps),
    ...(labels ? { labels } : {}),
    ...(setFrom ? { setFrom } : {}),
    ...(setTo ? { setTo } : {}),
  };
}

function paceOf({ spec: { deadline, onDeadline } }: FailoverRule): Pick<PlanOptions, 'deadlineMs' | 'onDeadline'> {
  const deadlineMs = parseDuration(deadline ?? '');
  return { ...(deadlineMs === undefined ? {} : { deadlineMs }), ...(onDeadline ? { onDeadline } : {}) };
}

function whyBeyond({ leaves, labels }: PlanView, { spec }: FailoverRule): string | undefined {
  const { clusters, applications } = spec.atMost ?? {};
  const touched = new Set(labels.map(({ cluster }) => cluster)).size;
  const moved = leaves.filter(({ policy }) => policy !== 'Never').length;
  if (moved === 0) return 'nothing runs there that may be moved';
  if (clusters !== undefined && touched > clusters)
    return `${touched} clusters would be relabelled, and the rule allows ${clusters}`;
  if (applications !== undefined && moved > applications)
    return `${moved} Applications would move, and the rule allows ${applications}`;
  return undefined;
}

/** Workloads that are moved again and again are worse off than those of a region that is down. */
function whyTooSoon({ at, startedAt }: RuleRecord, { spec }: FailoverRule): string | undefined {
  const everyMs = everyMsOf({ spec });
  if (startedAt === undefined || Date.parse(at) - Date.parse(startedAt) >= everyMs) return undefined;
  return `the rule failed over at ${startedAt} and may do so once in ${spec.every ?? '1h'}`;
}

function everyMsOf({ spec }: Pick<FailoverRule, 'spec'>): number {
  return parseDuration(spec.every ?? '') ?? defaultEveryMs;
}

/** Two rules for different Applications of one region fire together; their plans change the same clusters one after the other. */
function waitFor(waitsFor: string, record: RuleRecord, { name, deps }: { name: string; deps: RuleDeps }): RuleRecord {
  const { term } = record;
  deps.logger.warn(
    { rule: name, waitsFor, term },
    'automatic failover waits for a plan that changes the same clusters',
  );
  deps.audit({
    by: `failover rule ${name} (term ${term})`,
    action: 'wait with automatic failover',
    object: waitsFor,
    details: { term },
  });
  deps.observe('waiting');
  return { ...record, waitsFor };
}

function refuse(record: RuleRecord, name: string, deps: RuleDeps): RuleRecord {
  const { refused = '', plan, term } = record;
  deps.logger.error({ rule: name, plan, term, reason: refused }, 'automatic failover refused: a person has to decide');
  deps.audit({
    by: `failover rule ${name} (term ${term})`,
    action: 'refuse automatic failover',
    object: plan ?? name,
    details: { reason: refused },
  });
  deps.observe('refused');
  return record;
}
