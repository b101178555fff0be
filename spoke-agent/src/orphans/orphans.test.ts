import { createManualClock, type ManualClock } from '@wheelhouse/shared/async/manual-clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { OrphanPolicy, OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fieldManager } from '../cluster/cluster.ts';
import { createMemoryCluster, type MemoryCluster } from '../cluster/memory/memory.ts';
import { createOrphans, type Orphans } from './orphans.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const { signal } = new AbortController();
let clock: ManualClock;
let cluster: MemoryCluster;
let orphans: Orphans;
let reports: Map<string, number | undefined>;
let told: Map<string, OrphanReport | undefined>;
let failure: FleetError | undefined;

beforeEach(async () => {
  clock = createManualClock();
  failure = undefined;
  cluster = createMemoryCluster({ clock }, { intercept: (verb) => (verb === 'discover' ? failure : undefined) });
  reports = new Map();
  told = new Map();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const applications = {
    claims: () => ({ apps: new Set(['web', 'cart']), keys: new Set<string>() }),
    tellOrphans: (app: string, found: OrphanReport | undefined) => {
      reports.set(app, found?.total);
      told.set(app, found);
    },
  };
  orphans = createOrphans({ cluster, clock, random: () => 0.5, logger, applications }, { intervalMs: 60_000 });
  for (const namespace of ['shop', 'cart']) {
    await apply('Namespace', namespace);
    await apply('ConfigMap', 'left-over', namespace);
  }
});
afterEach(async () => await orphans[Symbol.asyncDispose]());

async function apply(kind: string, name: string, namespace?: string): Promise<void> {
  const metadata = { name, ...(namespace ? { namespace } : {}) };
  await cluster.apply({ apiVersion: 'v1', kind, metadata }, { fieldManager, signal });
}

const appOf = (app: string, ns: string, project = 'team') => ({ app, ns, project }) as AssignedApp;
const policy: OrphanPolicy = { ignore: [], denied: [] };
const requests = () => cluster.requests.list + cluster.requests.discover;
/** Lets the time pass that one survey waits for, and waits for its end. */
async function survey(ms = 2_000): Promise<void> {
  const before = cluster.requests.discover;
  clock.advance(ms);
  await vi.waitFor(() => expect(cluster.requests.discover).toBe(before + 1), within);
  let last = -1;
  await vi.waitFor(() => {
    const now = requests();
    const isQuiet = now === last;
    last = now;
    expect(isQuiet).toBe(true);
  }, within);
}

it('asks the API server nothing while no project asks', async () => {
  orphans.follow({ apps: [appOf('web', 'shop')] });
  orphans.follow({ apps: [appOf('web', 'shop')], orphans: { other: policy } });
  orphans.follow({ apps: [appOf('web', '')], orphans: { team: policy } });
  clock.advance(3_600_000);
  expect([requests(), orphans.age()]).toEqual([0, {}]);
});

it('looks once it is asked and again each interval, and says when it looked', async () => {
  orphans.follow({ apps: [appOf('web', 'shop'), appOf('cart', 'cart', 'free')], orphans: { team: policy } });
  await survey();
  expect([...reports]).toEqual([['web', 1]]);
  const first = orphans.age().surveyedAt;
  expect(first).toBe(new Date(clock.now()).toISOString());
  await apply('ConfigMap', 'another', 'shop');
  orphans.follow({ apps: [appOf('web', 'shop'), appOf('cart', 'cart', 'free')], orphans: { team: policy } });
  clock.advance(59_999);
  expect(reports.get('web')).toBe(1);
  await survey(1);
  expect(reports.get('web')).toBe(2);
  expect(orphans.age().surveyedAt).not.toBe(first);
});

it('goes by the newest policy, and takes back what is asked no longer', async () => {
  const apps = [appOf('web', 'shop'), appOf('cart', 'cart')];
  orphans.follow({ apps, orphans: { team: policy } });
  await survey();
  expect([...reports]).toEqual([
    ['web', 1],
    ['cart', 1],
  ]);
  const { surveyedAt } = orphans.age();
  orphans.follow({ apps: [appOf('web', 'shop')], orphans: { team: { ...policy, ignore: [{ kind: 'ConfigMap' }] } } });
  // what is still asked for has the age that it had
  expect([reports.get('cart'), reports.get('web'), orphans.age()]).toEqual([undefined, 1, { surveyedAt }]);
  await survey();
  expect([reports.get('web'), orphans.age().surveyedAt]).toEqual([0, new Date(clock.now()).toISOString()]);
  orphans.follow({ apps });
  expect(orphans.age()).toEqual({});
  const before = requests();
  clock.advance(3_600_000);
  expect([reports.get('web'), requests()]).toEqual([undefined, before]);
});

it('takes back what was found in a namespace, or for a project, that an Application has left', async () => {
  const orphansAsked = { team: policy, other: policy };
  orphans.follow({ apps: ['a', 'b', 'c'].map((app) => appOf(app, 'shop')), orphans: orphansAsked });
  await survey();
  orphans.follow({
    apps: [appOf('a', 'shop'), appOf('b', 'cart'), appOf('c', 'shop', 'other')],
    orphans: orphansAsked,
  });
  expect(Object.fromEntries(reports)).toEqual({ a: 1, b: undefined, c: undefined });
});

it('tells what was found once for each project and namespace, and of the others where that is', async () => {
  const many = ['e', 'd', 'c', 'b'].map((app) => appOf(app, 'shop'));
  const apps = [...many, appOf('a', 'cart'), appOf('f', 'shop', 'other')];
  orphans.follow({ apps, orphans: { team: policy, other: policy } });
  await survey();
  const surveyedAt = new Date(clock.now()).toISOString();
  const items = (namespace: string) => [expect.objectContaining({ namespace, name: 'left-over' })];
  expect(Object.fromEntries(told)).toEqual({
    a: { total: 1, items: items('cart'), surveyedAt },
    b: { total: 1, items: items('shop'), surveyedAt },
    ...Object.fromEntries(['c', 'd', 'e'].map((app) => [app, { total: 1, items: [], itemsOf: 'b', surveyedAt }])),
    f: { total: 1, items: items('shop'), surveyedAt },
  });
  orphans.follow({ apps: apps.filter(({ app }) => app !== 'b'), orphans: { team: policy, other: policy } });
  await survey();
  expect([told.get('b'), told.get('c')?.items, told.get('d')?.itemsOf]).toEqual([undefined, items('shop'), 'c']);
});

it('tells of fifty Applications of one namespace in little more than one list', async () => {
  for (let index = 0; index < 120; index += 1) await apply('ConfigMap', `left-over-with-a-long-name-${index}`, 'shop');
  const apps = Array.from({ length: 50 }, (_, index) => appOf(`app-${index}`, 'shop'));
  orphans.follow({ apps, orphans: { team: policy } });
  await survey();
  const sizes = apps.map(({ app }) => JSON.stringify(told.get(app)).length);
  const list = Math.max(...sizes);
  expect(list).toBeGreaterThan(10_000);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(list + 50 * 200);
});

it('keeps what it found, and its age, while it cannot look', async () => {
  orphans.follow({ apps: [appOf('web', 'shop')], orphans: { team: policy } });
  await survey();
  const { surveyedAt } = orphans.age();
  failure = new FleetError('ClusterUnavailable', 'the API server cannot be reached');
  await survey(60_000);
  await vi.waitFor(
    () => expect(orphans.age()).toEqual({ surveyedAt, problem: 'the API server cannot be reached' }),
    within,
  );
  expect(reports.get('web')).toBe(1);
  failure = undefined;
  await survey(60_000);
  await vi.waitFor(() => expect(orphans.age().problem).toBeUndefined(), within);
});
