import { createManualClock, type ManualClock } from '@wheelhouse/shared/async/manual-clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { OrphanPolicy, OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fieldManager } from '../cluster/cluster.ts';
import { createMemoryCluster, type MemoryCluster } from '../cluster/memory/memory.ts';
import { createOrphans, type Orphans } from './orphans.ts';

const { signal } = new AbortController();
let clock: ManualClock;
let cluster: MemoryCluster;
let orphans: Orphans;
let reports: Map<string, number | undefined>;
let failure: FleetError | undefined;

beforeEach(async () => {
  clock = createManualClock();
  failure = undefined;
  cluster = createMemoryCluster({ clock }, { intercept: (verb) => (verb === 'discover' ? failure : undefined) });
  reports = new Map();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const applications = {
    claims: () => ({ apps: new Set(['web', 'cart']), keys: new Set<string>() }),
    tellOrphans: (app: string, found: OrphanReport | undefined) => void reports.set(app, found?.total),
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
  await vi.waitFor(() => expect(cluster.requests.discover).toBe(before + 1));
  let last = -1;
  await vi.waitFor(() => {
    const now = requests();
    const isQuiet = now === last;
    last = now;
    expect(isQuiet).toBe(true);
  });
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
  orphans.follow({ apps: [appOf('web', 'shop')], orphans: { team: { ...policy, ignore: [{ kind: 'ConfigMap' }] } } });
  expect([reports.get('cart'), orphans.age()]).toEqual([undefined, {}]);
  await survey();
  expect(reports.get('web')).toBe(0);
  orphans.follow({ apps });
  const before = requests();
  clock.advance(3_600_000);
  expect([reports.get('web'), requests()]).toEqual([undefined, before]);
});

it('keeps what it found, and its age, while it cannot look', async () => {
  orphans.follow({ apps: [appOf('web', 'shop')], orphans: { team: policy } });
  await survey();
  const { surveyedAt } = orphans.age();
  failure = new FleetError('ClusterUnavailable', 'the API server cannot be reached');
  await survey(60_000);
  await vi.waitFor(() => expect(orphans.age()).toEqual({ surveyedAt, problem: 'the API server cannot be reached' }));
  expect(reports.get('web')).toBe(1);
  failure = undefined;
  await survey(60_000);
  await vi.waitFor(() => expect(orphans.age().problem).toBeUndefined());
});
