import { applicationStatus } from '@wheelhouse/shared/resources/application-status';
import { describe, expect, it } from 'vitest';
import { formatView } from '../status/view.ts';
import { indexedOf, startedAt, statusOf } from '../testing/hub-state.ts';
import { branchKey, hydrationKey, targetOf } from './hydration-spec.ts';
import type { HydrationRecord } from './hydration-store.ts';
import { hydratedApplication, hydratorOf } from './testing/hydrated-application.ts';

const application = hydratedApplication('shop');
const hydrator = hydratorOf({ dry: { path: 'shop' } });
const target = targetOf(hydrator);
const dry = indexedOf(application);
const hydration = { key: hydrationKey(hydrator), branchKey: branchKey(target), target, dry };
const at = new Date(startedAt).toISOString();
const last = { drySHA: 'dry1', hydratedSHA: 'wet1', at, apps: { shop: { hydrator, digest: 'sha256:one' } } };

function recordOf(fields: Partial<HydrationRecord> = {}): HydrationRecord {
  const { repoURL, branch } = target;
  const apps = { shop: { hydrator } };
  return { ...hydration, repoURL, branch, phase: 'Hydrated', startedAt: at, apps, last, ...fields };
}

function shown(record: HydrationRecord | undefined) {
  const { application: view } = formatView({
    indexed: indexedOf(application, { hydration }),
    resolution: { problems: [], warnings: [] },
    status: statusOf('shop'),
    lastSeen: startedAt,
    now: startedAt,
    problems: [],
    hydration: record,
  });
  return applicationStatus.parse(view.status);
}

describe('the status of a hydration', () => {
  it('is not there before anything was tried', () => {
    expect(shown(undefined).sourceHydrator).toBeUndefined();
    expect(shown(undefined).sync?.comparedTo).toMatchObject({ source: { targetRevision: 'environments/east' } });
  });

  it('is that of Argo CD', () => {
    const { sourceHydrator, conditions } = shown(recordOf({ drySHA: 'dry1', hydratedSHA: 'wet1', finishedAt: at }));
    const shas = { drySHA: 'dry1', hydratedSHA: 'wet1', sourceHydrator: hydrator };
    expect(sourceHydrator).toEqual({
      lastSuccessfulOperation: shas,
      currentOperation: { phase: 'Hydrated', startedAt: at, finishedAt: at, ...shas },
    });
    expect(conditions).toEqual([]);
  });

  it.each<[string, Partial<HydrationRecord>, string]>([
    ['of its own', { message: 'because of shop', failures: { shop: 'does not render' } }, 'does not render'],
    ['of another', { message: 'because of till', failures: { till: 'does not render' } }, 'because of till'],
    ['of all', { message: 'the push was refused' }, 'the push was refused'],
  ])('says a failure %s, beside what went well last, and as a condition', (_name, fields, message) => {
    const { sourceHydrator, conditions, health } = shown(recordOf({ phase: 'Failed', drySHA: 'dry2', ...fields }));
    expect(sourceHydrator).toMatchObject({
      lastSuccessfulOperation: { drySHA: 'dry1' },
      currentOperation: { phase: 'Failed', drySHA: 'dry2', message },
    });
    expect(conditions).toEqual([{ type: 'HydrationError', message }]);
    expect(health?.status).toBe('Healthy');
  });

  it('has no success of an Application that joined since', () => {
    const { sourceHydrator } = shown(recordOf({ phase: 'Hydrating', last: { ...last, apps: {} } }));
    expect(sourceHydrator).not.toHaveProperty('lastSuccessfulOperation');
  });
});
