import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryTable, type MemoryTable } from '../fleet/testing/memory-records.ts';
import { applicationOf, indexedOf, logger } from '../testing/hub-state.ts';
import { type FailoverStageDeps, runPlan } from './failover-stage.ts';
import type { HookOutcome } from './hooks/decide-hooks.ts';
import type { Plan } from './plan-record.ts';
import { formatPlan } from './plan-view.ts';
import { indexRetentions } from './retention.ts';
import { hookOf, placementOf, planOf } from './testing/plan.ts';
import { createPlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const onEurope = (app: string) => applicationOf(app, { cluster: 'eu-1' });

let plans: MemoryTable<Plan>;
let written: string[];
/** Ids of the Applications that the hub knows, and of those that are desired on their cluster. */
let known: Set<string>;
let desired: Set<string>;
let deps: FailoverStageDeps;
/** What hooks answer, and who listens for changes of plans. */
let answer: () => Promise<HookOutcome>;
let changed: Set<(id: string) => void>;

beforeEach(async () => {
  plans = createMemoryTable<Plan>();
  written = [];
  known = new Set(['shop-eu-1']);
  desired = new Set();
  answer = async () => ({ state: 'succeeded', message: 'done' });
  changed = new Set();
  const fleet = createPlannedFleet();
  deps = {
    ...fleet.deps,
    logger,
    plans,
    applications: { find: (app) => (desired.has(app) ? indexedOf(onEurope(app)) : undefined) },
    setAppLabels: async (cluster, { apps, labels }) =>
      void written.push(`${cluster} for ${apps}: ${JSON.stringify(labels)}`),
    putWithdrawals: async (list) => void written.push(...list.map(({ app, cluster }) => `${cluster}/${app}`)),
    deleteWithdrawal: async () => undefined,
    generate: async () => undefined,
    applicationOf: (app) => (known.has(app) ? onEurope(app) : undefined),
    generation: () => 1,
    runHook: async () => await answer(),
    onPlanChange: (listener) => {
      changed.add(listener);
      return { [Symbol.dispose]: () => void changed.delete(listener) };
    },
    onHook: (_plan, { attempt }, { state }) => void written.push(`attempt ${attempt} ${state}`),
    onTransition: () => undefined,
  };
  const leaves = ['shop-eu-1', 'cart-eu-1'].map((app) => placementOf(app, 'eu-1'));
  await plans.put('p1', planOf({ phase: 'Withdrawing', deadlineMs: 60_000, labels: [], leaves, arrives: [] }), 0);
});

it('changes labels for some Applications only where the plan is for these', async () => {
  const labels = [{ cluster: 'eu-1', key: 'role', before: 'active', after: 'standby' }];
  const plan = planOf({ phase: 'Relabelling', deadlineMs: 60_000, labels, apps: 'app=cart', leaves: [], arrives: [] });
  await plans.put('p2', { ...plan, id: 'p2' }, 0);
  await runPlan('p2', deps, signal);
  expect(new Set(written)).toEqual(new Set(['eu-1 for app=cart: {"role":"standby"}']));
  expect(deps.findCluster('eu-1')?.labels).toMatchObject({ role: 'active' });
});

it('changes annotations together with the labels, and goes on once both are as wanted', async () => {
  const labels = [{ cluster: 'eu-1', key: 'role', before: 'active', after: 'standby' }];
  const annotations = [{ cluster: 'us-1', key: 'site', before: null, after: 'b' }];
  const plan = planOf({ phase: 'Relabelling', deadlineMs: 60_000, labels, annotations, leaves: [], arrives: [] });
  await plans.put('p2', { ...plan, id: 'p2' }, 0);
  const { setAnnotations } = deps;
  deps.setAnnotations = async () => undefined;
  await runPlan('p2', deps, signal);
  expect(plans.find('p2')?.phase).toBe('Relabelling');
  deps.setAnnotations = setAnnotations;
  await runPlan('p2', deps, signal);
  expect(deps.findCluster('eu-1')?.labels).toMatchObject({ role: 'standby' });
  expect(deps.findCluster('us-1')?.annotations).toEqual({ site: 'b' });
  expect(plans.find('p2')?.phase).toBe('Completed');
});

describe('labels of many clusters', () => {
  const plan = planOf({
    phase: 'Relabelling',
    deadlineMs: 60_000,
    labels: ['eu-1', 'us-1'].map((cluster) => ({ cluster, key: 'role', before: null, after: 'other' })),
    leaves: [],
    arrives: [],
  });
  const roles = () => ['eu-1', 'us-1'].map((name) => deps.findCluster(name)?.labels['role']);
  /** Something that happens while the first cluster is labelled. */
  const whileLabelling = (happens: () => Promise<void> | void) => {
    const { setLabels } = deps;
    deps.setLabels = async (...change) => {
      deps.setLabels = setLabels;
      await setLabels(...change);
      await happens();
    };
  };

  beforeEach(async () => await plans.put('p2', { ...plan, id: 'p2' }, 0));

  it.each<[string, Partial<Plan>, string[]]>([
    ['paused', { paused: { at: '', by: 'anna', reason: 'lunch' } }, ['other', 'standby']],
    ['aborted and carried on by another hub to its end', { direction: 'back', phase: 'Aborted' }, ['other', 'standby']],
  ])('are left alone once the plan is %s', async (_what, change, expected) => {
    whileLabelling(async () => {
      const stored = await plans.read('p2');
      if (stored) await plans.put('p2', { ...stored.value, ...change }, stored.revision);
    });
    await runPlan('p2', deps, signal);
    expect(roles()).toEqual(expected);
  });

  it('are set without reading the whole plan for each of them', async () => {
    let reads = 0;
    const { read } = plans;
    plans.read = async (id) => {
      if (roles().includes('standby') && roles().includes('other')) reads += 1;
      return await read(id);
    };
    await runPlan('p2', deps, signal);
    expect(roles()).toEqual(['other', 'other']);
    expect(reads).toBe(0);
  });

  it('are set where the copy of the plan lags behind what this hub read', async () => {
    deps.plans = { ...plans, find: () => ({ ...plan, id: 'p2', phase: 'Planned' }) };
    await runPlan('p2', deps, signal);
    expect(roles()).toEqual(['other', 'other']);
  });

  it('are left to the next hub when this one stops', async () => {
    const stop = new AbortController();
    whileLabelling(() => stop.abort());
    await runPlan('p2', deps, stop.signal);
    expect(roles()).toEqual(['other', 'standby']);
    await runPlan('p2', deps, signal);
    expect(roles()).toEqual(['other', 'other']);
  });
});

it('says so, and counts nothing as withdrawn, when it does not know an Application any more', async () => {
  await runPlan('p1', deps, signal);
  expect(written).toEqual(['eu-1/shop-eu-1']);
  const plan = plans.find('p1') as Plan;
  expect(plan.leaves.map(({ withdrawal }) => withdrawal)).toEqual(['confirmed', 'absent']);
  expect(plan.phase).toBe('Completed');
  expect(plan.history.at(-1)?.message).toBe(
    'Completed: done; nothing was withdrawn of what the hub did not know any more: cart-eu-1 on eu-1',
  );
  expect(formatPlan(plan, []).counts).toMatchObject({ outgoing: 2, withdrawn: 1, absent: 1 });
});

it('withdraws it after all when it is seen again before the end', async () => {
  desired.add('shop-eu-1');
  await runPlan('p1', deps, signal);
  expect(plans.find('p1')?.phase).toBe('Withdrawing');
  expect(indexRetentions(plans.list()).find('cart-eu-1', 'eu-1')?.state).toBe('retained');
  known.add('cart-eu-1');
  desired.add('cart-eu-1');
  await runPlan('p1', deps, signal);
  expect(written).toEqual(['eu-1/shop-eu-1', 'eu-1/cart-eu-1']);
  expect(plans.find('p1')?.leaves.map(({ withdrawal }) => withdrawal)).toEqual(['requested', 'requested']);
});

describe('what a silent cluster was to withdraw', () => {
  const there = placementOf('shop-eu-1', 'eu-1');
  const fenced = planOf({
    phase: 'Fenced',
    labels: [],
    begunAt: '2026-01-01T00:10:00.000Z',
    leaves: [{ ...there, withdrawal: 'requested' }],
    arrives: [],
  });
  const back = { ...fenced, direction: 'back' as const, leaves: [], arrives: fenced.leaves };
  const later = planOf({ id: 'p2', phase: 'Relabelling', createdAt: '2026-01-01T00:20:00.000Z', arrives: [there] });
  const earlier = { ...later, createdAt: '2026-01-01T00:05:00.000Z' };
  const unlike = { ...later, arrives: [placementOf('shop-eu-1', 'us-1')] };

  it.each<[string, Plan, Plan, string]>([
    ['is left to a later plan that brings it there again', fenced, later, 'Completed'],
    ['is left to it on the way back too', back, later, 'Aborted'],
    [
      'is left to it when that is undone, which withdraws it itself',
      fenced,
      { ...later, direction: 'back' },
      'Completed',
    ],
    ['stays to be withdrawn while the later plan is not started', fenced, { ...later, phase: 'Planned' }, 'Fenced'],
    ['stays to be withdrawn when a plan had brought it before', fenced, earlier, 'Fenced'],
    ['stays to be withdrawn when a plan brings it elsewhere', fenced, unlike, 'Fenced'],
  ])('%s', async (...[, first, second, phase]) => {
    const stored = await plans.read('p1');
    await plans.put('p1', first, stored?.revision ?? 0);
    await plans.put('p2', second, 0);
    const eu = deps.findCluster('eu-1');
    if (eu) eu.state = 'Lost';
    desired.add('shop-eu-1');
    await runPlan('p1', deps, signal);
    expect(plans.find('p1')?.phase).toBe(phase);
    if (eu) eu.state = 'Connected';
    await runPlan('p1', deps, signal);
    expect(plans.find('p1')?.phase).toBe(phase === 'Fenced' ? 'Withdrawing' : phase);
    expect(written).toEqual([]);
  });
});

describe('a hook', () => {
  const put = async (change: Partial<Plan>) => {
    const stored = await plans.read('p1');
    if (stored) await plans.put('p1', { ...stored.value, ...change }, stored.revision);
    for (const listener of changed) listener('p1');
  };

  beforeEach(async () => await put({ hooks: [hookOf({ retries: 1 })] }));

  it('is called before anything of its step is done, and its record is written before', async () => {
    answer = async () => {
      expect(written).toEqual([]);
      expect(plans.find('p1')?.hooks).toMatchObject([{ state: 'running', attempt: 1 }]);
      return { state: 'succeeded', message: 'answered' };
    };
    await runPlan('p1', deps, signal);
    expect(written).toEqual(['attempt 1 succeeded', 'eu-1/shop-eu-1']);
    expect(plans.find('p1')?.hooks).toMatchObject([{ state: 'succeeded', message: 'answered' }]);
    expect(plans.find('p1')?.history.map(({ message }) => message)).toContain(
      'hook argocd/dns before Withdrawing succeeded: answered',
    );
  });

  it('that was running when its hub was killed is called again, as the same attempt', async () => {
    const killed = new Error('killed');
    answer = async () => await Promise.reject(killed);
    await expect(runPlan('p1', deps, signal)).rejects.toBe(killed);
    expect(plans.find('p1')?.hooks).toMatchObject([{ state: 'running', attempt: 1 }]);
    answer = async () => ({ state: 'succeeded', message: 'answered' });
    await runPlan('p1', deps, signal);
    expect(written).toEqual(['attempt 1 succeeded', 'eu-1/shop-eu-1']);
  });

  it('that hangs is cut off when a person pauses the plan, and nothing is withdrawn', async () => {
    const asked: AbortSignal[] = [];
    deps.runHook = async (_plan, _hook, given) => {
      asked.push(given);
      await put({ paused: { at: '', by: 'anna', reason: 'lunch' } });
      return given.aborted ? { state: 'running' } : { state: 'succeeded', message: 'too late' };
    };
    await runPlan('p1', deps, signal);
    expect(asked.map(({ aborted }) => aborted)).toEqual([true]);
    expect(written).toEqual([]);
    expect(changed.size).toBe(0);
    expect(plans.find('p1')).toMatchObject({ paused: { by: 'anna' }, hooks: [{ state: 'running' }] });
  });

  it('whose plan was aborted meanwhile leaves its outcome in the record and nothing else', async () => {
    answer = async () => {
      await put({ direction: 'back', phase: 'Relabelling' });
      return { state: 'failed', message: 'refused' };
    };
    await runPlan('p1', deps, signal);
    expect(plans.find('p1')).toMatchObject({ direction: 'back', hooks: [{ message: 'refused' }] });
    expect(written).toEqual(['attempt 1 failed']);
  });
});
