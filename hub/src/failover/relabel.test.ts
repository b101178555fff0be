// Changes by hand of what is not the labels of a whole cluster: annotations, and labels that some Applications alone see.
import { beforeEach, describe, expect, it } from 'vitest';
import { createFailover, type Failover } from './failover.ts';
import type { Plan } from './plan-record.ts';
import { createPlannedFleet, type PlannedFleet } from './testing/planned-fleet.ts';

const signal = new AbortController().signal;
const by = { owner: 'anna', reason: 'drill' };

let fleet: PlannedFleet;
let failover: Failover;

beforeEach(() => {
  fleet = createPlannedFleet(['eu-1', 'us-1'], ['shop', 'cart']);
  failover = createFailover(fleet.deps);
});

async function bring(id: string, change: Partial<Plan>): Promise<void> {
  const stored = await fleet.deps.plans.read(id);
  if (stored) await fleet.deps.plans.put(id, { ...stored.value, ...change }, stored.revision);
}

describe('annotations', () => {
  const annotate = async (annotations: Record<string, string | null>, planOnly = false) =>
    await failover.relabel(
      { labels: new Map(), annotations: new Map([['eu-1', annotations]]) },
      { ...by, planOnly },
      signal,
    );
  const present = () => fleet.clusters.get('eu-1')?.annotations;

  beforeEach(() => {
    fleet.annotations['wheelhouse.dev/standby'] = '{{metadata.annotations.standby}}';
  });

  it('that move Applications are planned, started as they were shown, and undone', async () => {
    const plan = await annotate({ standby: 'true' });
    expect(plan).toMatchObject({
      kind: 'relabel',
      labels: [],
      annotations: [{ cluster: 'eu-1', key: 'standby', before: null, after: 'true' }],
      leaves: [
        { app: 'shop-eu-1', standby: true },
        { app: 'cart-eu-1', standby: true },
      ],
    });
    expect(present()).toEqual({});
    const id = plan?.id ?? '';
    const accept = ['EmptiesPlacement'];
    await failover.start(id, { by: 'anna', accept }, signal);
    expect(fleet.audited).toEqual([`make plan ${id}`, `start plan ${id}`]);
    await fleet.deps.setAnnotations('eu-1', { standby: 'true' }, { by: 'hub' });
    await bring(id, { phase: 'Completed' });
    expect(await failover.failBack(id, by, signal)).toMatchObject({
      kind: 'fail-back',
      annotations: [{ before: 'true', after: null }],
      arrives: [{ app: 'shop-eu-1' }, { app: 'cart-eu-1' }],
    });
    expect(failover.list().every((one) => one.annotations === undefined)).toBe(true);
  });

  it('race with a plan that changes the same cluster', async () => {
    const { id } = await failover.plan({ from: 'region=eu', to: 'region=us' }, by, signal);
    await failover.start(id, { by: 'anna', accept: [] }, signal);
    await expect(annotate({ standby: 'true' })).rejects.toMatchObject({ code: 'Conflict', details: { plan: id } });
  });

  it('that move nothing are set at once, also twice, or not at all where only a plan was asked for', async () => {
    expect(await annotate({ owner: 'core' }, true)).toBeUndefined();
    expect(present()).toEqual({});
    expect([await annotate({ owner: 'core' }), await annotate({ owner: 'core' })]).toEqual([undefined, undefined]);
    expect([present(), failover.list()]).toEqual([{ owner: 'core' }, []]);
  });

  it.each<[string, Error | undefined, string]>([
    ['stopped', undefined, 'Aborted: annotations of us-1 are not set: it was stopped (set: eu-1); do it again'],
    [
      'late',
      new DOMException('late', 'TimeoutError'),
      'Timeout: annotations of us-1 are not set: it took too long (set: eu-1); do it again',
    ],
  ])('are set one after the other until it is %s, and then the rest is named', async (_name, reason, message) => {
    const stop = new AbortController();
    const { setAnnotations } = fleet.deps;
    fleet.deps.setAnnotations = async (...given) => {
      await setAnnotations(...given);
      stop.abort(reason);
    };
    const annotations = new Map(['eu-1', 'us-1'].map((name) => [name, { owner: 'core' }] as const));
    const error = await failover.relabel({ labels: new Map(), annotations }, by, stop.signal).catch((thrown) => thrown);
    expect(`${error.code}: ${error.message}`).toBe(message);
    expect([present(), fleet.clusters.get('us-1')?.annotations]).toEqual([{ owner: 'core' }, {}]);
  });

  it.each<[string, string, Record<string, string>, string]>([
    ['of a cluster that is not there', 'nowhere', { a: 'b' }, 'NotFound'],
    ['of the hub', 'eu-1', { 'wheelhouse.dev/x': 'y' }, 'Forbidden'],
    ['whose name is none', 'eu-1', { 'a b': 'c' }, 'Invalid'],
    ['that are too large', 'eu-1', { a: 'x'.repeat(300_000) }, 'Invalid'],
  ])('%s are refused', async (...[_what, cluster, annotations, code]) => {
    const change = { labels: new Map(), annotations: new Map([[cluster, annotations]]) };
    await expect(failover.relabel(change, by, signal)).rejects.toMatchObject({ code });
  });

  it('of more bytes than a plan takes are refused together, with the way out', async () => {
    fleet = createPlannedFleet(['eu-1', 'eu-2', 'us-1']);
    failover = createFailover(fleet.deps);
    for (const cluster of fleet.clusters.values()) cluster.annotations['a'] = 'x'.repeat(260_000);
    const annotations = new Map([...fleet.clusters.keys()].map((name) => [name, { a: 'y'.repeat(260_000) }] as const));
    await expect(failover.relabel({ labels: new Map(), annotations }, by, signal)).rejects.toMatchObject({
      code: 'TooLarge',
      message: expect.stringContaining('change fewer clusters at a time') as string,
    });
  });
});

describe('labels for some Applications', () => {
  const apps = 'wheelhouse.dev/applicationset=cart';
  const label = async (labels: Record<string, string | null>, selector = apps) =>
    await failover.relabel({ labels: new Map([['us-1', labels]]), apps: selector }, by, signal);
  const seen = () => fleet.clusters.get('us-1')?.appLabels;

  it('are planned, and only these move', async () => {
    const plan = await label({ role: 'active' });
    expect(plan).toMatchObject({ kind: 'relabel', apps, leaves: [], arrives: [{ app: 'cart-us-1' }] });
    expect(fleet.clusters.get('us-1')?.labels['role']).toBe('standby');
  });

  it('that are the own ones again are let go of at once when that moves nothing', async () => {
    Object.assign(fleet.clusters.get('us-1') ?? {}, {
      appLabels: [{ apps, labels: { tier: 'gold' }, at: '2026-01-01T00:00:00Z', by: 'anna' }],
    });
    expect(await label({ tier: null })).toBeUndefined();
    expect(seen()).toEqual([]);
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['that move nothing', { tier: 'gold' }, apps, /no Application of '.*=cart' would move/],
    ['that no template gives', { role: 'active' }, 'app=cart', /no Application of 'app=cart' would move/],
    ['of no selector', { role: 'active' }, ' , ', /selector is empty/],
    ['that these see already', { role: 'standby' }, apps, /no label would change/],
  ])('%s are refused, and nothing is kept', async (...[_what, labels, selector, message]) => {
    await expect(label(labels, selector)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(message) as string,
    });
    expect([seen(), failover.list()]).toEqual([undefined, []]);
  });
});
