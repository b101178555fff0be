import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryTable, type MemoryTable } from '../fleet/testing/memory-records.ts';
import { createFailover } from './failover.ts';
import { type RuleDeps, runRule } from './rule.ts';
import { forgetRecord, isForgettable, type RuleRecord } from './rule-record.ts';
import { createPlannedFleet, type PlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const name = 'argocd.eu-down';
const hour = 3_600_000;
const day = 24 * hour;

let fleet: PlannedFleet;
let rules: MemoryTable<RuleRecord>;
let deps: RuleDeps;
let said: string[];

beforeEach(() => {
  fleet = createPlannedFleet(['eu-1', 'us-1'], ['shop']);
  rules = createMemoryTable<RuleRecord>();
  said = [];
  deps = {
    logger: createLogger({ name: 'test', level: 'silent' }),
    rules,
    failover: createFailover(fleet.deps),
    enrolled: () => fleet.clusters.values(),
    findCluster: (cluster) => fleet.clusters.get(cluster),
    contactOf: (cluster) => fleet.clusters.get(cluster)?.state,
    audit: () => undefined,
    observe: (outcome) => void said.push(outcome),
    now: fleet.deps.now,
  };
  lose('2025-12-31T22:00:00.000Z');
});

function lose(lastSeenAt: string): void {
  Object.assign(fleet.clusters.get('eu-1') ?? {}, { state: 'Lost', lastSeenAt });
}

function ruleOf(spec: object = {}): FailoverRule {
  const metadata = { name: 'eu-down' };
  const whole = { enabled: true, from: 'region=eu', to: 'region=us', ...spec };
  return parseResource(
    { apiVersion: 'wheelhouse.dev/v1alpha1', kind: 'FailoverRule', metadata, spec: whole },
    { unknownFields: 'refuse' },
  ).resource as FailoverRule;
}

const record = () => rules.find(name);

/** Its plan is over, as it was or undone. */
async function finish(): Promise<void> {
  const id = record()?.plan ?? '';
  const stored = await fleet.deps.plans.read(id);
  if (stored) await fleet.deps.plans.put(id, { ...stored.value, phase: 'Completed' }, stored.revision);
}

describe('the record of a rule that is gone', () => {
  it('is marked, kept for longer than an outage lasts, and removed', async () => {
    await runRule(ruleOf(), deps, signal);
    await finish();
    expect(isForgettable(record() as RuleRecord, deps.now())).toBe(true);
    await forgetRecord(name, deps);
    expect(record()).toMatchObject({ term: 1, goneAt: deps.now().toISOString() });
    expect(isForgettable(record() as RuleRecord, deps.now())).toBe(false);
    fleet.pass(29 * day);
    await forgetRecord(name, deps);
    expect(record()).toBeDefined();
    fleet.pass(day);
    await forgetRecord(name, deps);
    expect(record()).toBeUndefined();
  });

  it.each(['Planned', 'Arriving', 'Fenced'] as const)('stays while its plan is %s', async (phase) => {
    await runRule(ruleOf(), deps, signal);
    const stored = await fleet.deps.plans.read(record()?.plan ?? '');
    if (stored) await fleet.deps.plans.put(stored.value.id, { ...stored.value, phase }, stored.revision);
    await forgetRecord(name, deps);
    fleet.pass(90 * day);
    await forgetRecord(name, deps);
    expect(record()).toMatchObject({ term: 1 });
  });

  it('stays for as long as the rule might start nothing', async () => {
    await runRule(ruleOf({ every: '2400h' }), deps, signal);
    await finish();
    await forgetRecord(name, deps);
    fleet.pass(99 * day);
    await forgetRecord(name, deps);
    expect(record()).toBeDefined();
    fleet.pass(2 * day);
    await forgetRecord(name, deps);
    expect(record()).toBeUndefined();
  });

  it('is not removed under a hub that has just raised the term', async () => {
    await runRule(ruleOf(), deps, signal);
    await finish();
    await forgetRecord(name, deps);
    fleet.pass(31 * day);
    const racing = {
      ...deps,
      rules: {
        ...rules,
        read: async (key: string) => {
          const seen = await rules.read(key);
          if (seen) await rules.put(key, { ...seen.value, term: 2 }, seen.revision);
          return seen;
        },
      },
    };
    await forgetRecord(name, racing);
    expect(record()).toMatchObject({ term: 2 });
  });
});

describe('a rule that comes back under its name', () => {
  beforeEach(async () => {
    await runRule(ruleOf(), deps, signal);
    await finish();
    await forgetRecord(name, deps);
  });

  it('acts no second time in the same outage, and its record is kept anew', async () => {
    fleet.pass(29 * day);
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual(['started']);
    expect(record()).not.toHaveProperty('goneAt');
    fleet.pass(2 * day);
    await forgetRecord(name, deps);
    expect(record()).toMatchObject({ goneAt: deps.now().toISOString() });
  });

  it('starts nothing sooner than it may', async () => {
    fleet.pass(hour / 2);
    lose('2026-01-01T00:00:01.000Z');
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual(['started', 'refused']);
    expect(record()).toMatchObject({ term: 2, refused: expect.stringContaining('may do so once in 1h') as string });
  });

  it('goes on above the terms of its plans when its record is gone', async () => {
    fleet.pass(31 * day);
    await forgetRecord(name, deps);
    expect(record()).toBeUndefined();
    lose('2026-01-31T00:00:00.000Z');
    await runRule(ruleOf(), deps, signal);
    expect(record()).toMatchObject({ term: 2 });
    expect(fleet.deps.plans.list().map(({ owner }) => owner)).toContain('failover rule argocd/eu-down (term 2)');
  });
});
