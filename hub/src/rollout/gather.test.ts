import { beforeEach, describe, expect, it } from 'vitest';
import { resolve } from '../assign/resolve.ts';
import { applicationOf, createHubState, evaluationOf, type HubState, logger } from '../testing/hub-state.ts';
import { gather } from './gather.ts';
import { emptyRecord, type RolloutRecord } from './record.ts';
import { createRolloutStore, type RolloutStore } from './rollout-store.ts';
import { createRollouts, type RolloutObject, type Rollouts } from './rollouts.ts';
import { pin } from './simulated-fleet.ts';

const key = 'rollout.argocd.web';
let hub: HubState;
let store: RolloutStore;
let rollouts: Rollouts;
let record: RolloutRecord;

beforeEach(async () => {
  hub = await createHubState({ clusters: ['east', 'west'] });
  store = await createRolloutStore(hub.buckets.open('fleet'), logger);
  rollouts = createRollouts({ specs: hub.specs, store });
  await put('ApplicationSet', { generators: [], template: { metadata: { name: 'x' }, spec: {} } });
  await put('FleetRollout', { applicationSet: 'web', steps: [{ name: 'all' }] });
  await evaluate('east', 'west');
  const pinned = { now: pin('B'), good: pin('A') };
  record = { ...emptyRecord(key, hub.now()), pins: { 'web-east': pinned, 'web-west': pinned } };
  await store.put(record, 0);
});

async function put(kind: string, spec: object): Promise<void> {
  const apiVersion = kind === 'FleetRollout' ? 'wheelhouse.dev/v1alpha1' : 'argoproj.io/v1alpha1';
  await hub.specs.put({ apiVersion, kind, metadata: { name: 'web', namespace: 'argocd' }, spec }, { by: 'test' });
}

async function evaluate(...clusters: string[]): Promise<void> {
  const applications = clusters.map((cluster) => applicationOf(`web-${cluster}`, { cluster }));
  await hub.derived.putEvaluation(evaluationOf(applications, { name: 'web' }));
}

async function gathered() {
  const object = rollouts.find(key) as RolloutObject;
  const { members, away } = await gather(object, record, {
    applications: hub.applications,
    rollouts,
    specs: hub.specs,
    derived: hub.derived,
    documents: { find: async () => undefined },
    statuses: { find: () => undefined },
    clusters: { find: () => ({ state: 'Connected', labels: {} }) },
    operations: () => [],
    resolve: (app) => resolve(app, { derived: hub.derived, project: () => undefined }),
  });
  return { members: members.map(({ id }) => id).sort(), away: [...away].sort() };
}

it('a RollingSync is paused while its set is being deleted', async () => {
  const step = { matchExpressions: [{ key: 'tier', operator: 'In', values: ['one'] }] };
  await hub.specs.put(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'ApplicationSet',
      metadata: { name: 'ordered', namespace: 'argocd' },
      spec: { strategy: { type: 'RollingSync', deletionOrder: 'Reverse', rollingSync: { steps: [step] } } },
    },
    { by: 'test' },
  );
  const pauseOf = () => rollouts.find('rollingsync.argocd.ordered')?.pause;
  expect(pauseOf()).toBeUndefined();
  const target = { kind: 'ApplicationSet', namespace: 'argocd', name: 'ordered' };
  await hub.changes.remove(target, { by: 'ann', reason: 'deleted by ann' });
  expect(pauseOf()).toEqual({ reason: 'the ApplicationSet is being deleted' });
});

describe('what a rollout takes', () => {
  it('are the clusters of its Applications', async () => {
    expect(await gathered()).toEqual({ members: ['east', 'west'], away: [] });
  });

  it('is not taken for gone when its cluster is not known for the moment', async () => {
    hub.retire('west');
    expect(await gathered()).toEqual({ members: ['east'], away: ['web-west'] });
  });

  it('is not taken for gone when its set has no evaluation', async () => {
    await hub.derived.deleteEvaluation('argocd', 'web');
    expect(await gathered()).toEqual({ members: [], away: ['web-east', 'web-west'] });
  });

  it('is gone when the newest evaluation does not give it any more', async () => {
    await evaluate('east');
    expect(await gathered()).toEqual({ members: ['east'], away: [] });
  });

  it('is gone when the rollout does not select it any more', async () => {
    await put('FleetRollout', { selector: { matchLabels: { team: 'none' } }, steps: [{ name: 'all' }] });
    expect(await gathered()).toEqual({ members: [], away: [] });
  });
});
