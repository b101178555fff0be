/**
 * Automatic failover: a rule whose clusters are all silent for long enough has a plan made and started, once for each
 * outage. Inputs: the rule, the inventory, its own record. It never moves what policy Never keeps, never exceeds the
 * rule's budget, and of two hubs only the one that writes the term acts.
 */
import { parseDuration } from '@wheelhouse/shared/config/duration';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import type { FleetCluster } from '../fleet/clusters.ts';
import type { Table } from '../fleet/records.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { Failover, PlanOptions } from './failover.ts';
import type { FailoverRequest } from './label-changes.ts';
import type { PlanView } from './plan-view.ts';

/** What a rule did last. */
export interface RuleRecord {
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
}

export interface RuleDeps {
  logger: Logger;
  rules: Pick<Table<RuleRecord>, 'read' | 'put'>;
  failover: Pick<Failover, 'plan' | 'start'>;
  clusters(): FleetCluster[];
  audit(entry: AuditEntry): void;
  /** `started` or `refused`. */
  observe(outcome: string): void;
  now(): Date;
}

const leastLostMs = 600_000;
const defaultEveryMs = 3_600_000;
/** A hub that wrote the term and made no plan by then has died. */
const graceMs = 30_000;

export async function runRule(rule: FailoverRule, deps: RuleDeps, signal: AbortSignal): Promise<void> {
  const outage = rule.spec.enabled === true ? outageOf(rule, deps) : undefined;
  if (outage === undefined) return;
  const claimed = await claim(rule, outage, deps);
  if (!claimed) return;
  const done = await act(rule, claimed, { deps, signal });
  const mine = await deps.rules.read(recordName(rule));
  if (mine?.value.term === claimed.term) await deps.rules.put(recordName(rule), done, mine.revision);
}

function recordName({ metadata }: FailoverRule): string {
  return `${metadata.namespace}.${metadata.name}`;
}

/** Writes the next term; undefined when it is not time, or another hub was faster. */
async function claim(rule: FailoverRule, outage: string, deps: RuleDeps): Promise<RuleRecord | undefined> {
  const name = recordName(rule);
  const stored = await deps.rules.read(name);
  if (stored && !mayAct(stored.value, rule, { outage, now: deps.now() })) return undefined;
  const claimed: RuleRecord = { term: (stored?.value.term ?? 0) + 1, outage, at: deps.now().toISOString() };
  try {
    await deps.rules.put(name, claimed, stored?.revision ?? 0);
    return claimed;
  } catch (error) {
    // another hub was faster, and acts
    if (isFleetError(error, 'Conflict')) return undefined;
    throw error;
  }
}

/** When the clusters of the rule were heard of last, if all of them have been silent for long enough. */
export function outageOf(
  { spec }: FailoverRule,
  { clusters, now }: Pick<RuleDeps, 'clusters' | 'now'>,
): string | undefined {
  const requirements = parseSelector(spec.from);
  const from = clusters().filter(({ state, labels }) => state !== 'Expected' && matchesSelector(requirements, labels));
  if (from.length === 0 || from.some(({ state }) => state !== 'Lost')) return undefined;
  const last =
    from
      .map(({ lastSeenAt, enrolledAt }) => lastSeenAt ?? enrolledAt ?? '')
      .sort()
      .at(-1) ?? '';
  const silentMs = now().getTime() - Date.parse(last);
  return silentMs >= Math.max(leastLostMs, parseDuration(spec.lostFor ?? '') ?? 0) ? last : undefined;
}

/** Once for each outage, and not more often than the rule's rate. */
function mayAct(record: RuleRecord, { spec }: FailoverRule, at: { outage: string; now: Date }): boolean {
  const agoMs = at.now.getTime() - Date.parse(record.at);
  const wasCutOff = record.plan === undefined && record.refused === undefined;
  if (record.outage === at.outage) return wasCutOff && agoMs > graceMs;
  return agoMs >= (parseDuration(spec.every ?? '') ?? defaultEveryMs);
}

async function act(
  rule: FailoverRule,
  claimed: RuleRecord,
  { deps, signal }: { deps: RuleDeps; signal: AbortSignal },
): Promise<RuleRecord> {
  const { spec, metadata } = rule;
  const name = `${metadata.namespace}/${metadata.name}`;
  const owner = `failover rule ${name} (term ${claimed.term})`;
  const reason = `every cluster of '${spec.from}' is silent since ${claimed.outage}`;
  let plan: PlanView | undefined;
  try {
    plan = await deps.failover.plan(askedOf(rule), { owner, reason, kind: 'automatic', ...paceOf(rule) }, signal);
    const beyond = whyBeyond(plan, rule);
    if (beyond !== undefined) return refuse({ ...claimed, plan: plan.id, refused: beyond }, name, deps);
    await deps.failover.start(plan.id, { by: owner, accept: [] }, signal);
  } catch (error) {
    // nothing is written of what was only cut short: the next hub acts after the grace
    if (signal.aborted || toFleetError(error).retryable) throw error;
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
  return { ...claimed, plan: plan.id };
}

function askedOf({ spec: { from, to, labels, setFrom, setTo } }: FailoverRule): FailoverRequest {
  return {
    from,
    to,
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
