import { expect, it } from 'vitest';
import { applicationOf, indexedOf } from '../testing/hub-state.ts';
import { formatRollingSync } from './rolling-sync-status.ts';
import { createSimulatedFleet, planOf, type SimulatedFleet, step } from './simulated-fleet.ts';

const labels = (env: string) => ({ matchLabels: { env } });
const plan = planOf(
  [step('1', { labels: labels('dev') }), step('2', { labels: labels('prod') })].map(({ tolerance: _, ...one }) => one),
  { kind: 'RollingSync', newRevision: 'Supersede', onFailure: 'Pause', offline: 'Wait', leavesOut: true },
);

/** `application status step`, one for each; apps are named after clusters. */
function shown({ record }: SimulatedFleet): string[] {
  const applications = ['d', 'p', 'x'].map((name, index) => {
    const application = applicationOf(`app-${name}`);
    const origin = { type: 'generated' as const, applicationSet: 'argocd/set' };
    return {
      app: indexedOf(application, { id: name, origin }),
      step: index < 2 ? index : undefined,
      revision: 'B-commit',
    };
  });
  const { applicationStatus } = formatRollingSync({ record, applications, invalid: undefined, evaluatedAt: '' });
  return applicationStatus.map(({ application, status, step: at }) => `${application} ${status} ${at}`);
}

it('shows each Application as Waiting, Pending until its cluster has reported, Progressing, then Healthy', () => {
  const fleet = createSimulatedFleet(plan, [
    { id: 'd', labels: { env: 'dev' }, delayMs: 2_000 },
    { id: 'p', labels: { env: 'prod' } },
    { id: 'x' },
  ]);
  fleet.push('B');
  fleet.decide();
  expect(shown(fleet)).toEqual(['app-d Pending 1', 'app-p Waiting 2', 'app-x Waiting -1']);
  fleet.pass(1_000);
  fleet.decide();
  expect(shown(fleet)).toEqual(['app-d Progressing 1', 'app-p Waiting 2', 'app-x Waiting -1']);
  fleet.pass(1_000);
  fleet.decide();
  expect(shown(fleet)).toEqual(['app-d Healthy 1', 'app-p Pending 2', 'app-x Waiting -1']);
  fleet.settle();
  expect(shown(fleet)).toEqual(['app-d Healthy 1', 'app-p Healthy 2', 'app-x Waiting -1']);
});
