import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Adoption, AdoptionView } from '../../fleet/adoption.ts';

/** Two clusters that were taken over, one that could not be. */
export function createFakeAdoption(calls: string[]): Pick<Adoption, 'view' | 'open' | 'close' | 'release'> {
  const app = { app: 'web', ns: 'shop', project: 'default', revision: '0123456789abcdef', bundle: 'sha256:1' };
  let view: AdoptionView = {
    state: 'Open',
    openedAt: '2026-01-01T00:00:00Z',
    by: 'hub',
    reason: 'the store was lost',
    unknown: ['nobody'],
    clusters: [
      { cluster: 'us-east', adoptedAt: '2026-01-01T00:01:00Z', generation: 7, registered: true, unexplained: [app] },
      {
        cluster: 'us-west',
        problem: { code: 'ClusterUnavailable', message: 'did not answer', at: '2026-01-01T00:01:00Z' },
        unexplained: [],
      },
    ],
  };
  return {
    view: () => view,
    open: async ({ by, reason }) => {
      calls.push(`open adoption by ${by}: ${reason}`);
      return view;
    },
    close: async (by) => {
      calls.push(`close adoption by ${by}`);
      view = { ...view, state: 'Closed', closedAt: '2026-01-02T00:00:00Z', closedBy: by };
      return view;
    },
    release: async ({ cluster, apps, action, by, confirm }) => {
      calls.push(`release ${cluster} ${apps?.join() ?? 'all'} ${action} by ${by} confirm=${confirm}`);
      if (apps?.includes('gone'))
        throw new FleetError('NotFound', `cluster ${cluster} holds no adopted application gone`);
      return [app];
    },
  };
}
