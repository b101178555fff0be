import { applicationSetController } from '@wheelhouse/shared/protocol/rollout-operation';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { expect, it } from 'vitest';
import { applicationOf, indexedOf, statusOf } from '../testing/hub-state.ts';
import type { RolloutObject } from './rollouts.ts';
import { createSimulatedFleet, pin, planOf, step } from './simulated-fleet.ts';
import { dueSyncs } from './sync-request.ts';

const now = new Date(1_000);

interface Given {
  kind?: RolloutObject['kind'];
  automated?: boolean;
  status?: AppStatus;
  /** Ids of operations that were asked for already. */
  asked?: string[];
  waiting?: boolean;
}

/** What is asked for when cluster `a` was given bundle B a moment ago. */
function due({ kind = 'RollingSync', automated = false, status, asked = [], waiting = false }: Given) {
  const fleet = createSimulatedFleet(planOf([step('all')]), [{ id: 'a' }]);
  fleet.push('B');
  fleet.decide();
  if (waiting) Object.assign(fleet.record.run?.members['a'] ?? {}, { state: 'Waiting' });
  const application = applicationOf('app-a', { cluster: 'a' });
  application.spec.syncPolicy = { syncOptions: ['Replace=true'], ...(automated ? { automated: { prune: true } } : {}) };
  const object = { kind } as RolloutObject;
  const gathered = { apps: [indexedOf(application)], members: [], away: new Set<string>() };
  return dueSyncs(
    { object, record: fleet.record, gathered },
    {
      now,
      statuses: { find: () => status && { status } },
      operations: () => asked.map((id) => ({ id, app: 'app-a', type: 'sync', by: 'x', expiresAt: '' })),
    },
  );
}

const id = 'rollout.argocd.shop-1-0';
const b = pin('B');

it.each<[string, Given, string[]]>([
  ['one that was given a bundle and does not take it by itself', {}, [id]],
  ['one of a RollingSync even when its policy is automated', { automated: true }, [id]],
  ['one of a FleetRollout without automated sync', { kind: 'FleetRollout' }, [id]],
  ['not one of a FleetRollout that syncs itself', { kind: 'FleetRollout', automated: true }, []],
  ['not one whose turn has not come', { waiting: true }, []],
  ['not one that was asked already', { asked: [id] }, []],
  ['not one that runs it', { status: statusOf('app-a', { bundle: b.bundle, sync: 'Synced' }) }, []],
  [
    'once more, when the request reached the cluster before the bundle did',
    {
      asked: [id],
      status: statusOf('app-a', {
        bundle: b.bundle,
        sync: 'OutOfSync',
        operation: { id, phase: 'Succeeded', revision: 'A-commit', message: '', startedAt: '', retryCount: 0 },
      }),
    },
    [`${id}-again`],
  ],
])('asks %s', (_what, given, expected) => {
  expect(due(given).map((operation) => operation.id)).toEqual(expected);
});

it('asks with the Application’s own options, prunes where its automated sync would, and for an hour', () => {
  expect(due({ automated: true })).toEqual([
    {
      id,
      app: 'app-a',
      type: 'sync',
      by: applicationSetController,
      expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
      sync: { prune: true, dryRun: false, force: false, syncOptions: ['Replace=true'] },
    },
  ]);
  expect(due({ kind: 'FleetRollout' })[0]).toMatchObject({ by: 'rollout.argocd.shop', sync: { prune: false } });
});
