import { createLogger } from '@wheelhouse/shared/logging/logger';
import { beforeEach, expect, it } from 'vitest';
import { createMemoryTable, type MemoryTable } from '../fleet/testing/memory-records.ts';
import type { Withdrawal } from '../store/additions.ts';
import { type FailoverStageDeps, runPlan } from './failover-stage.ts';
import type { Plan } from './plan-record.ts';
import { formatPlan } from './plan-view.ts';
import { indexRetentions } from './retention.ts';
import { createPlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const place = { set: 'argocd/shop', policy: 'Surge', soakMs: 0, cascade: true } as const;
const application = { metadata: { name: 'shop-eu-1' } } as unknown as Withdrawal['application'];

let plans: MemoryTable<Plan>;
let written: string[];
/** Ids of the Applications that the hub knows, and of those that are desired on their cluster. */
let known: Set<string>;
let desired: Set<string>;
let deps: FailoverStageDeps;

beforeEach(async () => {
  plans = createMemoryTable<Plan>();
  written = [];
  known = new Set(['shop-eu-1']);
  desired = new Set();
  const fleet = createPlannedFleet();
  deps = {
    ...fleet.deps,
    logger: createLogger({ name: 'test', level: 'silent' }),
    plans,
    applications: { find: (app) => (desired.has(app) ? ({ id: app, cluster: 'eu-1' } as never) : undefined) },
    putWithdrawals: async (list) => void written.push(...list.map(({ app, cluster }) => `${cluster}/${app}`)),
    deleteWithdrawal: async () => undefined,
    generate: async () => undefined,
    applicationOf: (app) => (known.has(app) ? application : undefined),
    generation: () => 1,
    onTransition: () => undefined,
  };
  const names = ['shop-eu-1', 'cart-eu-1'];
  const leaves = names.map((app) => ({ app, cluster: 'eu-1', ...place }));
  const plan = { id: 'p1', owner: 'anna', reason: '', phase: 'Withdrawing', direction: 'forward', leaves, arrives: [] };
  const times = { createdAt: '2026-01-01T00:00:00Z', phaseAt: '2026-01-01T00:00:00Z', deadlineMs: 60_000 };
  await plans.put('p1', { ...plan, ...times, labels: [], changes: [], history: [] } as unknown as Plan, 0);
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
