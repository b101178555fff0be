import { beforeEach, expect, it } from 'vitest';
import { createFailover, type Failover } from './failover.ts';
import type { Plan } from './plan-record.ts';
import { createPlannedFleet, type PlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const by = { owner: 'anna', reason: 'drill' };
const there = { from: 'region=eu', to: 'region=us' };

let fleet: PlannedFleet;
let failover: Failover;
let id: string;

/** A plan of policy Never, done: `shop-eu-1` and `shop-eu-2` are kept. */
beforeEach(async () => {
  fleet = createPlannedFleet(['eu-1', 'eu-2', 'us-1', 'us-2']);
  fleet.annotations['wheelhouse.dev/failover'] = 'Never';
  failover = createFailover(fleet.deps);
  ({ id } = await failover.plan(there, by, signal));
  await failover.start(id, { by: 'anna', accept: [] }, signal);
  for (const name of fleet.clusters.keys()) label(name, name < 'f' ? 'standby' : 'active');
  await bring({ phase: 'Completed', phaseAt: fleet.deps.now().toISOString() });
  fleet.pass(1_000);
});

function label(name: string, role: string): void {
  Object.assign(fleet.clusters.get(name)?.labels ?? {}, { role });
}

/** Puts the plan where the stage would have brought it. */
async function bring(change: Partial<Plan>): Promise<void> {
  const stored = await fleet.deps.plans.read(id);
  if (stored) await fleet.deps.plans.put(id, { ...stored.value, ...change }, stored.revision);
}

function policies(): string[] {
  return (fleet.deps.plans.find(id)?.leaves ?? []).map(({ app, policy }) => `${app} ${policy}`);
}

const withdraw = async (...apps: string[]) => await failover.withdraw(id, { by: 'ben', apps }, signal);

it('lets go what a person names, or all', async () => {
  await withdraw('shop-eu-2');
  expect(policies()).toEqual(['shop-eu-1 Never', 'shop-eu-2 Immediate']);
  await bring({ phase: 'Completed' });
  expect(await withdraw()).toMatchObject({ phase: 'Withdrawing', counts: { kept: 0 } });
  expect(policies()).toEqual(['shop-eu-1 Immediate', 'shop-eu-2 Immediate']);
});

it('refuses what its set gives there again, and passes it over among all', async () => {
  label('eu-1', 'active');
  await expect(withdraw('shop-eu-1')).rejects.toMatchObject({
    code: 'Conflict',
    message: expect.stringMatching(
      /^ApplicationSet argocd\/shop gives shop-eu-1 for eu-1 again: .*'wheelhouse failover'/,
    ),
  });
  expect(fleet.deps.plans.find(id)?.phase).toBe('Completed');
  await withdraw();
  expect(policies()).toEqual(['shop-eu-1 Never', 'shop-eu-2 Immediate']);
});

it('refuses all when all of it is meant to be there', async () => {
  for (const name of ['eu-1', 'eu-2']) label(name, 'active');
  await expect(withdraw()).rejects.toMatchObject({ code: 'Conflict' });
  expect(policies()).toEqual(['shop-eu-1 Never', 'shop-eu-2 Never']);
});

it('refuses what nobody knows, because its set cannot be evaluated', async () => {
  const [set] = fleet.deps.specs.list('ApplicationSet');
  const generators = [{ git: { repoURL: 'https://git', revision: 'HEAD', directories: [{ path: '*' }] } }];
  const broken = { ...set, resource: { ...set?.resource, spec: { ...Object(set?.resource['spec']), generators } } };
  failover = createFailover({ ...fleet.deps, specs: { list: () => [broken as never] } });
  await expect(withdraw()).rejects.toMatchObject({
    code: 'Conflict',
    message: expect.stringMatching(/argocd\/shop cannot be evaluated, so nobody knows what is meant to stay: /),
  });
});

it('waits for a plan that changes the same clusters, which then waits for it', async () => {
  const other = await failover.plan({ from: 'region=us', to: 'region=eu' }, by, signal);
  await failover.start(other.id, { by: 'ben', accept: [] }, signal);
  await expect(withdraw()).rejects.toMatchObject({ code: 'Conflict', details: { plan: other.id } });
  await failover.abort(other.id, { by: 'ben', reason: '' });
  const stored = await fleet.deps.plans.read(other.id);
  if (stored) await fleet.deps.plans.put(other.id, { ...stored.value, phase: 'Aborted' }, stored.revision);
  const third = await failover.plan({ from: 'region=us', to: 'region=eu' }, by, signal);
  await failover.withdraw(other.id, { by: 'ben', apps: [] }, signal);
  await expect(failover.start(third.id, { by: 'ben', accept: [] }, signal)).rejects.toMatchObject({
    details: { plan: other.id },
  });
});

it('leaves to a later plan what that one keeps by now', async () => {
  const back = await failover.plan({ from: 'region=us', to: 'region=eu' }, by, signal);
  const stored = await fleet.deps.plans.read(back.id);
  const undone = { phase: 'Aborted', direction: 'back' } as const;
  if (stored) await fleet.deps.plans.put(back.id, { ...stored.value, ...undone }, stored.revision);
  for (const apps of [['shop-eu-1'], []])
    await expect(withdraw(...apps)).rejects.toMatchObject({
      code: 'Conflict',
      message: `plan ${back.id} keeps shop-eu-1 on eu-1 by now: 'wheelhouse plan withdraw ${back.id} shop-eu-1'`,
    });
  expect(await failover.withdraw(back.id, { by: 'ben', apps: ['shop-eu-1'] }, signal)).toMatchObject({
    phase: 'Withdrawing',
  });
});

it('keeps nothing of a plan that never began', async () => {
  for (const name of fleet.clusters.keys()) label(name, name < 'f' ? 'active' : 'standby');
  const never = await failover.plan(there, by, signal);
  expect(await failover.abort(never.id, { by: 'anna', reason: '' })).toMatchObject({ phase: 'Aborted', progress: 0 });
  await expect(failover.withdraw(never.id, { by: 'ben', apps: [] }, signal)).rejects.toThrow(
    `plan ${never.id} keeps no Application by policy Never`,
  );
});
