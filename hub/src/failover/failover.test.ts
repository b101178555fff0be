import { beforeEach, describe, expect, it } from 'vitest';
import { createFailover, type Failover } from './failover.ts';
import { makePlan } from './make-plan.ts';
import type { Plan } from './plan-record.ts';
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
    expect(await failover.relabel(labels, { ...by, planOnly: true }, signal)).toBeUndefined();
    expect(tiers()).toEqual([]);
    expect(await failover.relabel(labels, by, signal)).toBeUndefined();
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
    await expect(failover.relabel(labels, by, signal)).rejects.toThrow(
      'labels of eu-2 are not set: the store is away (set: eu-1); do it again',
    );
  });
});
