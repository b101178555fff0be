import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { beforeEach, describe, expect, it } from 'vitest';
import { applicationOf, createHubState, evaluationOf, type HubState, logger, statusOf } from '../testing/hub-state.ts';
import { followStatuses, type StatusFollower } from './follow-statuses.ts';
import { createStatuses, type Statuses } from './statuses.ts';

let state: HubState;
let statuses: Statuses;
let assigned: string[];
let recorded: number;
/** What a plan lets go of, as `CLUSTER/APP`. */
let released: string;
let follower: StatusFollower;

function follow(): StatusFollower {
  return followStatuses({
    ...state,
    statuses,
    retentions: {
      find: (app, cluster) =>
        released === `${cluster}/${app}` ? { plan: 'p1', state: 'released', policy: 'Surge' } : undefined,
    },
    logger,
    dispatch: { assign: async (cluster) => void assigned.push(cluster) },
    metrics: { statusRecorded: () => void (recorded += 1) },
  });
}

beforeEach(async () => {
  state = await createHubState({ clusters: ['east', 'in-cluster'] });
  statuses = createStatuses(state.now);
  assigned = [];
  recorded = 0;
  released = '';
  follower = follow();
});

async function withdraw(cluster = 'east', at = { generation: 4 }): Promise<void> {
  state.generation.now = at.generation;
  await state.changes.withdraw([applicationOf('shop', { cluster })], { by: 'ann', reason: 'deleted by ann' });
}

const fleet = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'ApplicationSet',
  metadata: { name: 'fleet', namespace: 'argocd' },
  spec: {},
};

function withdrawn(): string[] {
  return [...state.additions.allWithdrawals()].map(({ cluster, app }) => `${cluster}/${app}`);
}

describe('a withdrawal', () => {
  it.each<[string, Partial<AppStatus>, string[]]>([
    ['ends when its cluster reports the removal', { gen: 5, removed: true }, []],
    ['goes on while the Application still runs', { gen: 5 }, ['east/shop']],
    ['goes on when the removal was that of an earlier document', { gen: 4, removed: true }, ['east/shop']],
    ['goes on when another Application was removed', { app: 'cart', gen: 5, removed: true }, ['east/shop']],
  ])('%s', async (_name, fields, left) => {
    await withdraw();
    statuses.record('east', statusOf('shop', fields));
    expect({ withdrawn: withdrawn(), recorded }).toEqual({ withdrawn: left, recorded: 1 });
  });

  it('goes on when another cluster reports the removal', async () => {
    await withdraw();
    statuses.record('west', statusOf('shop', { gen: 5, removed: true }));
    expect(withdrawn()).toEqual(['east/shop']);
  });

  it('of a parent ends only when the hub did its part, which is made due', async () => {
    await withdraw('in-cluster');
    statuses.record('in-cluster', statusOf('shop', { gen: 5, removed: true }));
    expect({ withdrawn: withdrawn(), assigned }).toEqual({ withdrawn: ['in-cluster/shop'], assigned: ['in-cluster'] });
  });
});

describe('the sweep', () => {
  it('ends a withdrawal whose removal was reported before this replica listened', async () => {
    follower[Symbol.dispose]();
    await withdraw();
    statuses.record('east', statusOf('shop', { gen: 5, removed: true }));
    expect(withdrawn()).toEqual(['east/shop']);
    await follow().sweep();
    expect(withdrawn()).toEqual([]);
  });

  it('leaves one that nothing confirms, however old', async () => {
    await withdraw();
    statuses.record('east', statusOf('shop', { gen: 4, removed: true }));
    state.pass(365 * 86_400_000);
    await follower.sweep();
    expect(withdrawn()).toEqual(['east/shop']);
  });

  it.each<[string, number, string[]]>([
    ['leaves one of an Application that is still desired, for a while', 9, ['east/shop']],
    ['forgets it when the removal was cut off before it took place', 11, []],
  ])('%s', async (_name, minutes, left) => {
    await state.specs.put(applicationOf('shop'), { by: 'ann' });
    await withdraw();
    state.pass(minutes * 60_000);
    await follower.sweep();
    expect(withdrawn()).toEqual(left);
  });

  it('leaves one of an Application that moved to another cluster', async () => {
    await withdraw();
    await state.specs.put(applicationOf('shop', { cluster: 'in-cluster' }), { by: 'ann' });
    state.pass(60 * 60_000);
    await follower.sweep();
    expect(withdrawn()).toEqual(['east/shop']);
  });

  it.each<[string, string, boolean, string[]]>([
    ['forgets it when its set gives the Application', '', true, []],
    ['leaves it to the plan that has let go of the Application', 'east/shop', true, ['east/shop']],
    ['leaves it to whoever completes the removal of its set', '', false, ['east/shop']],
  ])('%s, however old it is', async (...[, plan, isSetThere, left]) => {
    if (isSetThere) await state.specs.put(fleet, { by: 'ann' });
    await state.derived.putEvaluation(evaluationOf([applicationOf('shop')]));
    await withdraw();
    released = plan;
    state.pass(60 * 60_000);
    await follower.sweep();
    expect(withdrawn()).toEqual(left);
  });
});
