import { beforeEach, describe, expect, it } from 'vitest';
import { createFailover, type Failover } from './failover.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from './plan-record.ts';
import { indexRetentions } from './retention.ts';
import { placementOf, planOf } from './testing/plan.ts';
import { createPlannedFleet, type PlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const by = { owner: 'anna', reason: 'drill' };
const there = { from: 'region=eu', to: 'region=us' };

let fleet: PlannedFleet;
let failover: Failover;

beforeEach(() => {
  fleet = createPlannedFleet(['eu-1', 'eu-2', 'us-1', 'us-2']);
  failover = createFailover(fleet.deps);
});

/** Puts a plan where the stage would have brought it. */
async function bring(id: string, change: Partial<Plan>): Promise<void> {
  const stored = await fleet.deps.plans.read(id);
  if (stored) await fleet.deps.plans.put(id, { ...stored.value, ...change }, stored.revision);
}

async function fencedPlan(): Promise<string> {
  const { id } = await failover.plan(there, by, signal);
  await failover.start(id, { by: 'anna', accept: [] }, signal);
  const { leaves = [], labels = [] } = (await fleet.deps.plans.read(id))?.value ?? {};
  for (const { cluster, key, after } of labels) await fleet.deps.setLabels(cluster, { [key]: after }, { by: 'hub' });
  await bring(id, { phase: 'Fenced', leaves: leaves.map((one) => ({ ...one, withdrawal: 'requested' })) });
  fleet.pass(120_000);
  return id;
}

describe('a plan', () => {
  it('is refused at its start when a policy has become Never since it was shown', async () => {
    const { id } = await failover.plan(there, by, signal);
    fleet.annotations['wheelhouse.dev/failover'] = 'Never';
    await expect(failover.start(id, { by: 'anna', accept: [] }, signal)).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('the fleet has changed since'),
    });
    expect(fleet.deps.plans.find(id)?.phase).toBe('Planned');
    expect(fleet.audited).not.toContain(`start plan ${id}`);
    delete fleet.annotations['wheelhouse.dev/failover'];
    await failover.start(id, { by: 'anna', accept: [] }, signal);
    expect(fleet.deps.plans.find(id)?.phase).toBe('Relabelling');
  });

  it('is listed before those that were made before it, in the same minute too', async () => {
    const made: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      made.unshift((await failover.plan(there, by, signal)).id);
      fleet.pass(1_000);
    }
    expect(failover.list().map(({ id }) => id)).toEqual(made);
  });

  it('is forgotten when many are newer, but not while an older one would keep anew what it brought back', async () => {
    const placed = (more: Partial<Plan>) =>
      planOf({ labels: [], leaves: [], arrives: [], phase: 'Completed', ...more });
    const [held, other] = ['shop', 'other'].map((app) => placementOf(app, 'eu-1', { policy: 'Never' }));
    if (!held || !other) throw new Error('no placements');
    const { plans } = fleet.deps;
    await plans.put('keeps', placed({ id: 'keeps', leaves: [held, other], createdAt: '2026-01-01T00:00:00.000Z' }), 0);
    await plans.put('brought', placed({ id: 'brought', arrives: [held], createdAt: '2026-01-02T00:00:00.000Z' }), 0);
    for (let count = 0; count < 102; count += 1) {
      const createdAt = new Date(Date.UTC(2026, 1, 1, count)).toISOString();
      await plans.put(`n${count}`, placed({ id: `n${count}`, createdAt }), 0);
    }
    await failover.plan(there, by, signal);
    expect(['keeps', 'brought', 'n0', 'n1', 'n2'].filter((id) => plans.find(id))).toEqual(['keeps', 'brought', 'n2']);
    expect(indexRetentions(plans.list()).find('shop', 'eu-1')).toBeUndefined();
  });

  it('that is fenced is not turned back while another holds one of its clusters', async () => {
    const fenced = await fencedPlan();
    const other = await failover.plan({ from: 'region=us', to: 'region=eu' }, by, signal);
    await failover.start(other.id, { by: 'ben', accept: [] }, signal);
    for (const turn of [
      async () => await failover.abort(fenced, { by: 'anna', reason: '' }),
      async () => await failover.failBack(fenced, by, signal),
    ])
      await expect(turn()).rejects.toMatchObject({
        code: 'Conflict',
        message: expect.stringContaining(`plan ${other.id} is changing the same clusters`),
      });
    expect(fleet.deps.plans.find(fenced)).toMatchObject({ phase: 'Fenced', direction: 'forward' });
    await bring(other.id, { phase: 'Completed' });
    expect(await failover.abort(fenced, { by: 'anna', reason: '' })).toMatchObject({
      phase: 'Relabelling',
      direction: 'back',
    });
  });
});

describe('plans that nobody starts', () => {
  it('are bounded, the oldest expire, and what a rule left to a person stays', async () => {
    const automatic = await failover.plan(there, { ...by, kind: 'automatic' }, signal);
    for (let count = 0; count < 60; count += 1) {
      fleet.pass(60_000);
      await failover.plan(there, by, signal);
    }
    const plans = failover.list();
    const phases = Map.groupBy(plans, ({ phase }) => phase);
    expect([phases.get('Planned')?.length, phases.get('Expired')?.length]).toEqual([51, 10]);
    expect(failover.find(automatic.id)?.phase).toBe('Planned');
    expect(plans[0]?.phase).toBe('Planned');
    expect(phases.get('Expired')?.[0]?.history.at(-1)?.message).toBe('Expired: made way for newer plans');
    for (let count = 0; count < 100; count += 1) {
      fleet.pass(60_000);
      await failover.plan(there, by, signal);
    }
    expect(failover.list().length).toBeLessThanOrEqual(151);
  });
});

describe('a plan for some Applications', () => {
  const apps = 'wheelhouse.dev/project=default,wheelhouse.dev/applicationset=shop';
  const oneForm = 'wheelhouse.dev/applicationset=shop,wheelhouse.dev/project=default';
  const places = (list: readonly { cluster: string }[]) => list.map(({ cluster }) => cluster).sort();

  it('moves these, keeps to one form of their selector, and leaves the clusters’ own labels', async () => {
    const plan = await failover.plan({ ...there, apps }, by, signal);
    expect(plan).toMatchObject({ apps: oneForm, kind: 'failover' });
    expect([places(plan.leaves), places(plan.arrives)]).toEqual([
      ['eu-1', 'eu-2'],
      ['us-1', 'us-2'],
    ]);
    expect(fleet.clusters.get('eu-1')?.labels['role']).toBe('active');
  });

  it('is undone by a plan for the same, from what these see by then', async () => {
    const { id } = await failover.plan({ ...there, apps }, by, signal);
    await bring(id, { phase: 'Completed' });
    for (const [name, cluster] of fleet.clusters)
      cluster.appLabels = [
        { apps: oneForm, labels: { role: name < 'f' ? 'standby' : 'active' }, at: '2026-01-01T00:00:00Z', by: 'hub' },
      ];
    const back = await failover.failBack(id, by, signal);
    expect(back).toMatchObject({ apps: oneForm, kind: 'fail-back', failsBack: id });
    expect([places(back.leaves), places(back.arrives)]).toEqual([
      ['us-1', 'us-2'],
      ['eu-1', 'eu-2'],
    ]);
    const own = await failover.relabel({ labels: new Map([['us-1', { role: 'other' }]]) }, by, signal);
    expect(own).toBeUndefined();
  });

  it('is made known to whoever changes the own labels meanwhile', async () => {
    const cluster = fleet.clusters.get('eu-1');
    if (cluster)
      cluster.appLabels = [{ apps: 'app=cart', labels: { role: 'active' }, at: '2026-01-01T00:00:00Z', by: 'hub' }];
    const plan = await failover.plan(there, by, signal);
    expect(plan.findings).toContainEqual({
      severity: 'info',
      code: 'OtherLabels',
      message: "Applications of 'app=cart' see role=active on eu-1 since 2026-01-01T00:00:00Z, and do not follow",
    });
  });

  it.each([
    ['no selector', ' , ', /selector is empty/],
    ['no label condition', 'a b', /not a label condition/],
    ['a label that no template gives', 'app=cart', /no Application of 'app=cart' would move/],
  ])('is refused for %s', async (_name, selector, message) => {
    await expect(failover.plan({ ...there, apps: selector }, by, signal)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(message) as string,
    });
    expect(failover.list()).toEqual([]);
  });
});

describe('an automatic plan', () => {
  const automatic = { ...by, kind: 'automatic' } as const;
  const places = (list: readonly { cluster: string; policy: string }[] = []) =>
    list.map(({ cluster, policy }) => `${cluster} ${policy}`);

  it('leaves what runs where it is when the project at the destination says Never', async () => {
    fleet.projects.set('us-1', { 'wheelhouse.dev/failover': 'Never' });
    fleet.projects.set('us-2', { 'wheelhouse.dev/failover': 'Never' });
    const plan = await failover.plan(there, automatic, signal);
    expect(places(plan.arrives)).toEqual([]);
    expect(places(plan.suppressed)).toEqual(['us-1 Never', 'us-2 Never']);
    expect(places(plan.leaves)).toEqual(['eu-1 Never', 'eu-2 Never']);
    expect(plan.findings.map(({ code }) => code)).toContain('NeverMoved');
    expect(plan.counts).toMatchObject({ kept: 2, outgoing: 0 });
  });

  it('that a person makes lets it go: the person is shown it', async () => {
    fleet.projects.set('us-1', { 'wheelhouse.dev/failover': 'Never' });
    const labels = new Map([
      ['eu-1', { role: 'standby' }],
      ['us-1', { role: 'active' }],
    ]);
    const plan = await makePlan({ ...by, kind: 'failover', labels }, fleet.deps, signal);
    expect([places(plan.leaves), places(plan.arrives)]).toEqual([['eu-1 Surge'], ['us-1 Never']]);
  });
});

describe('labels that change no placement', () => {
  const labels = new Map(['eu-1', 'eu-2'].map((cluster) => [cluster, { tier: 'gold' }]));
  const tiers = () => fleet.deps.clusters().flatMap((cluster) => cluster.labels['tier'] ?? []);

  it('are set at once, or not at all where only a plan was asked for', async () => {
    expect(await failover.relabel({ labels }, { ...by, planOnly: true }, signal)).toBeUndefined();
    expect(tiers()).toEqual([]);
    expect(await failover.relabel({ labels }, by, signal)).toBeUndefined();
    expect(tiers()).toEqual(['gold', 'gold']);
  });

  it('name those that are set when one cannot be', async () => {
    const { setLabels } = fleet.deps;
    failover = createFailover({
      ...fleet.deps,
      setLabels: async (cluster, ...rest) => {
        if (cluster === 'eu-2') throw new Error('the store is away');
        return await setLabels(cluster, ...rest);
      },
    });
    await expect(failover.relabel({ labels }, by, signal)).rejects.toThrow(
      'labels of eu-2 are not set: the store is away (set: eu-1); do it again',
    );
  });
});
