// Rules for some Applications, over real plans: each moves these alone, and two of one region take turns.
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryTable } from '../fleet/testing/memory-records.ts';
import { createFailover } from './failover.ts';
import type { Plan } from './plan-record.ts';
import { type RuleDeps, runRule } from './rule.ts';
import type { RuleRecord } from './rule-record.ts';
import { createPlannedFleet, type PlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const ofSet = (name: string) => `wheelhouse.dev/applicationset=${name}`;
const graceMs = 31_000;

let fleet: PlannedFleet;
let deps: RuleDeps;
let said: string[];

beforeEach(() => {
  fleet = createPlannedFleet(['eu-1', 'us-1'], ['shop', 'cart']);
  said = [];
  deps = {
    logger: createLogger({ name: 'test', level: 'silent' }),
    rules: createMemoryTable<RuleRecord>(),
    failover: createFailover(fleet.deps),
    enrolled: () => fleet.clusters.values(),
    findCluster: (name) => fleet.clusters.get(name),
    contactOf: (name) => fleet.clusters.get(name)?.state,
    audit: ({ by, action, object }) => void said.push(`${by}: ${action} ${object ?? ''}`),
    observe: (outcome) => void said.push(outcome),
    now: fleet.deps.now,
  };
  lose('eu-1');
});

function lose(name: string): void {
  const cluster = fleet.clusters.get(name);
  if (cluster) Object.assign(cluster, { state: 'Lost', lastSeenAt: '2025-12-31T23:00:00.000Z' });
}

function ruleFor(apps: string, spec: object = {}): FailoverRule {
  return parseResource(
    {
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'FailoverRule',
      metadata: { name: apps.replace(/.*=/, '') },
      spec: { enabled: true, from: 'region=eu', to: 'region=us', apps, ...spec },
    },
    { unknownFields: 'refuse' },
  ).resource as FailoverRule;
}

function plans(): Plan[] {
  return fleet.deps.plans.list().sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

async function finish({ id }: Plan): Promise<void> {
  const stored = await fleet.deps.plans.read(id);
  const phaseAt = fleet.deps.now().toISOString();
  if (stored) await fleet.deps.plans.put(id, { ...stored.value, phase: 'Fenced', phaseAt }, stored.revision);
}

describe('a failover rule for some Applications', () => {
  it('moves these alone', async () => {
    await runRule(ruleFor(ofSet('cart')), deps, signal);
    expect(plans()).toMatchObject([
      {
        apps: ofSet('cart'),
        kind: 'automatic',
        phase: 'Relabelling',
        leaves: [{ app: 'cart-eu-1' }],
        arrives: [{ app: 'cart-us-1' }],
      },
    ]);
  });

  it('waits, told once, for one that changes the same clusters, and then acts', async () => {
    const [cart, shop] = [ruleFor(ofSet('cart')), ruleFor(ofSet('shop'))];
    await Promise.all([runRule(cart, deps, signal), runRule(shop, deps, signal)]);
    const [first] = plans().filter(({ phase }) => phase === 'Relabelling');
    if (!first) throw new Error('none of both acted');
    const isCart = first.apps === ofSet('cart');
    const [waiting, name] = isCart ? [shop, 'shop'] : [cart, 'cart'];
    fleet.pass(graceMs);
    await runRule(waiting, deps, signal);
    fleet.pass(graceMs);
    await runRule(waiting, deps, signal);
    const told = `failover rule argocd/${name} (term 1): wait with automatic failover ${first.id}`;
    expect(said.filter((line) => line.includes(`/${name} `) || line === 'waiting')).toEqual([told, 'waiting']);
    await finish(first);
    fleet.pass(graceMs);
    await runRule(waiting, deps, signal);
    expect(said.at(-1)).toBe('started');
    expect(plans().filter(({ phase }) => phase === 'Relabelling')).toMatchObject([{ apps: ofSet(name) }]);
  });

  it('acts as soon as it may look again once the other is fenced, and leaves no plan of its waiting', async () => {
    const [cart, shop] = [ruleFor(ofSet('cart')), ruleFor(ofSet('shop'))];
    const { plan, start } = deps.failover;
    // both are planned before either is started
    const planned = Promise.withResolvers<void>();
    const slow = {
      ...deps.failover,
      plan: async (...given: Parameters<typeof plan>) => {
        const made = await plan(...given);
        if (fleet.deps.plans.list().length === 2) planned.resolve();
        await planned.promise;
        return made;
      },
      start,
    };
    await Promise.all([cart, shop].map(async (rule) => runRule(rule, { ...deps, failover: slow }, signal)));
    const byPhase = (phase: string) => plans().filter((one) => one.phase === phase);
    const [first] = byPhase('Relabelling');
    expect([said.filter((line) => line === 'waiting').length, byPhase('Aborted').length]).toEqual([1, 1]);
    expect(byPhase('Planned')).toEqual([]);
    fleet.pass(1_000);
    await finish(first as Plan);
    fleet.pass(graceMs - 1_000);
    await runRule(first?.apps === ofSet('cart') ? shop : cart, deps, signal);
    expect(byPhase('Relabelling')).toHaveLength(1);
    expect(said.filter((line) => line === 'waiting' || line === 'started')).toEqual(['started', 'waiting', 'started']);
  });

  it('does not act any more when what it waited to leave is back', async () => {
    await runRule(ruleFor(ofSet('cart')), deps, signal);
    await runRule(ruleFor(ofSet('shop')), deps, signal);
    expect(said.at(-1)).toBe('waiting');
    await finish(plans()[0] as Plan);
    Object.assign(fleet.clusters.get('eu-1') ?? {}, { state: 'Connected' });
    fleet.pass(graceMs);
    await runRule(ruleFor(ofSet('shop')), deps, signal);
    expect(said.at(-1)).toBe('waiting');
    expect(plans()).toHaveLength(1);
  });

  it('judges clusters by the labels that these see', async () => {
    for (const [name, role] of [['eu-1', 'standby'] as const, ['us-1', 'active'] as const])
      Object.assign(fleet.clusters.get(name) ?? {}, {
        appLabels: [{ apps: ofSet('cart'), labels: { role }, at: '2026-01-01T00:00:00Z', by: 'hub' }],
      });
    const rule = ruleFor(ofSet('cart'), { from: 'role=active', to: 'role=standby', labels: ['role'] });
    await runRule(rule, deps, signal);
    expect([said, plans()]).toEqual([[], []]);
    Object.assign(fleet.clusters.get('eu-1') ?? {}, { state: 'Connected' });
    lose('us-1');
    await runRule(rule, deps, signal);
    expect(plans()).toMatchObject([{ leaves: [{ app: 'cart-us-1' }], arrives: [{ app: 'cart-eu-1' }] }]);
  });

  it('leaves it to a person when none of these would move', async () => {
    await runRule(ruleFor(ofSet('none')), deps, signal);
    expect(said).toEqual(['failover rule argocd/none (term 1): refuse automatic failover argocd/none', 'refused']);
    expect((await deps.rules.read('argocd.none'))?.value.refused).toMatch(
      /no Application of 'wheelhouse.dev\/applicationset=none' would move/,
    );
  });

  it.each([' , ', 'a b', ''])('is refused with the selector %j', (apps) => {
    expect(() => ruleFor(apps)).toThrow(/spec.apps/);
  });
});
