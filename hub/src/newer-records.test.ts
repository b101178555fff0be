// A hub beside newer ones: records that it knows only a part of are shown and kept, and nothing is done by them.
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { beforeEach, describe, expect, it } from 'vitest';
import { createFailover, type Failover } from './failover/failover.ts';
import { type FailoverStageDeps, runPlan } from './failover/failover-stage.ts';
import type { Plan } from './failover/plan-record.ts';
import { indexRetentions } from './failover/retention.ts';
import { type RuleDeps, runRule } from './failover/rule.ts';
import { forgetRecord, type RuleRecord } from './failover/rule-record.ts';
import { placementOf, planOf } from './failover/testing/plan.ts';
import { createPlannedFleet, type PlannedFleet } from './failover/testing/planned-fleet.ts';
import { createFleetRecords, type FleetRecords } from './fleet/records.ts';
import { createRolloutCommands } from './rollout/commands.ts';
import { createGate } from './rollout/gate.ts';
import { emptyRecord, type RolloutRecord } from './rollout/record.ts';
import { type RolloutDeps, runRollout } from './rollout/rollout-stage.ts';
import { createRolloutStore, type RolloutStore } from './rollout/rollout-store.ts';
import { createRolloutViews } from './rollout/rollout-view.ts';
import { packJson } from './store/packed-json.ts';
import { createMemoryBuckets } from './store/testing/memory-bucket.ts';
import { applicationOf, indexedOf } from './testing/hub-state.ts';

const signal = new AbortController().signal;
const newer = /was written by a newer hub, in format 2, of which this one knows 1/u;
const refused = { code: 'Unsupported', message: expect.stringMatching(newer) as string };
const told: unknown[] = [];
const logger = { warn: (fields: unknown) => void told.push(fields) } as never;

let buckets: ReturnType<typeof createMemoryBuckets>;
let records: FleetRecords;
let rollouts: RolloutStore;

/** As the newer hub writes it. */
async function write(key: string, value: object): Promise<void> {
  const bucket = buckets.open('fleet');
  await bucket.caughtUp(await bucket.put(key, packJson(value)));
}

beforeEach(async () => {
  told.length = 0;
  buckets = createMemoryBuckets();
  records = await createFleetRecords(buckets.open('fleet'), logger);
  rollouts = await createRolloutStore(buckets.open('fleet'), logger);
});

describe('a plan', () => {
  let fleet: PlannedFleet;
  let failover: Failover;
  const leaves = [placementOf('shop-eu-1', 'eu-1')];
  const plan = { ...planOf({ v: 2, phase: 'Relabelling', leaves, arrives: [] }), tunnels: ['a'] };

  beforeEach(async () => {
    fleet = createPlannedFleet(['eu-1', 'us-1'], ['shop']);
    fleet.deps.plans = records.plans;
    failover = createFailover(fleet.deps);
    await write('plan.p1', plan);
  });

  it('is not carried on, and said so once', async () => {
    // a stage that touches anything else than the record fails here
    const nobody = new Proxy({ plans: records.plans } as unknown as FailoverStageDeps, {
      get: (deps, name) => {
        if (name === 'plans') return deps.plans;
        throw new Error(`${String(name)} was used`);
      },
    });
    await runPlan('p1', nobody, signal);
    expect(told).toEqual([{ plan: 'p1', reason: expect.stringMatching(newer) as string }]);
    expect((await records.plans.read('p1'))?.value).toEqual(plan);
  });

  it('is shown with the reason, and does nothing that a person asks of it here', async () => {
    expect(failover.find('p1')?.waits).toEqual([expect.stringMatching(newer)]);
    expect(failover.list().map(({ id }) => id)).toEqual(['p1']);
    const by = { by: 'ann', reason: '' };
    const asked = [
      failover.pause('p1', by),
      failover.abort('p1', by),
      failover.start('p1', { by: 'ann', accept: [] }, signal),
      failover.failBack('p1', { owner: 'ann', reason: '' }, signal),
      failover.withdraw('p1', { by: 'ann', apps: [] }, signal),
    ];
    for (const one of asked) await expect(one).rejects.toMatchObject(refused);
    const { revision = 0 } = (await records.plans.read('p1')) ?? {};
    await expect(records.plans.put('p1', plan, revision)).rejects.toMatchObject(refused);
  });

  it('keeps what it keeps, and its clusters, also in a phase that nobody here knows', async () => {
    await write('plan.p1', { ...plan, phase: 'Tunnelling' });
    const [seen] = records.plans.list() as [Plan];
    expect(indexRetentions([seen]).find('shop-eu-1', 'eu-1')).toMatchObject({ plan: 'p1', state: 'retained' });
    expect([...failover.changing()]).toContain('eu-1');
  });
});

describe('a rule', () => {
  const rule = {
    metadata: { name: 'eu-down', namespace: 'argocd' },
    spec: { enabled: true, from: 'region=eu', to: 'region=us' },
  } as FailoverRule;
  const record: RuleRecord = { v: 2, term: 3, outage: 'earlier', at: '2026-01-01T00:00:00Z' };

  it('does not act, and is not forgotten', async () => {
    await write('rule.argocd.eu-down', record);
    const fleet = createPlannedFleet(['eu-1', 'us-1'], ['shop']);
    Object.assign(fleet.clusters.get('eu-1') ?? {}, { state: 'Lost', lastSeenAt: '2025-12-31T22:00:00.000Z' });
    // no queue, audit or metric: a rule that acts would need them
    const deps = {
      logger,
      rules: records.rules,
      failover: createFailover(fleet.deps),
      enrolled: () => fleet.clusters.values(),
      findCluster: (name: string) => fleet.clusters.get(name),
      contactOf: (name: string) => fleet.clusters.get(name)?.state,
      now: fleet.deps.now,
    } as unknown as RuleDeps;
    await runRule(rule, deps, signal);
    expect(fleet.deps.plans.list()).toEqual([]);
    await forgetRecord('argocd.eu-down', deps);
    expect(records.rules.find('argocd.eu-down')).toEqual(record);
    expect(told).toEqual([{ rule: 'argocd.eu-down', reason: expect.stringMatching(newer) as string }]);
  });
});

describe('a rollout', () => {
  const key = 'rollout.argocd.shop';
  const app = indexedOf(applicationOf('app-a', { cluster: 'a' }));
  const pin = { bundle: 'A', revision: 'A-commit' };
  const record: RolloutRecord = { ...emptyRecord(key, new Date(0)), v: 2, pins: { [app.id]: { now: pin } } };
  const assigned = { app: app.id, ns: '', project: 'default', vars: {}, policy: { syncOptions: [] }, wave: 0, ...pin };
  const resolution = { app: assigned, problems: [], warnings: [] };
  const governed = { governorOf: () => key, find: () => undefined, list: () => [] };

  beforeEach(async () => await write(key, record));

  it('is taken no further, by its job or by a person', async () => {
    const find = () => {
      throw new Error('the rollout was looked at');
    };
    // with nothing to act by
    await runRollout({ key }, { store: rollouts, rollouts: { find } } as unknown as RolloutDeps, signal);
    const dispatch = { rollouts: async () => undefined };
    const commands = createRolloutCommands({ rollouts: governed, store: rollouts, dispatch, now: () => new Date(0) });
    await expect(commands.pause(key, { reason: 'x' }, { name: 'ann' })).rejects.toMatchObject(refused);
    const { revision = 0 } = (await rollouts.read(key)) ?? {};
    await expect(rollouts.put(record, revision)).rejects.toMatchObject(refused);
    expect(rollouts.find(key)).toEqual(record);
  });

  it('lets nothing through, whatever is pinned, and says why', () => {
    const gate = createGate({ rollouts: governed, store: rollouts });
    expect(gate.pass(app, resolution)).not.toHaveProperty('app');
    expect(gate.whyWaiting(app, resolution)).toMatch(newer);
    const other = { ...resolution, app: { ...assigned, bundle: 'B' } };
    expect(gate.whyWaiting(app, other)).toMatch(newer);
    const [view] = createRolloutViews({ rollouts: governed, store: rollouts }).list();
    expect(view?.warnings).toEqual([expect.stringMatching(newer)]);
  });
});
