import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { decideRemovals } from '../generate/hold.ts';
import type { StoredEvaluation } from '../store/derived.ts';
import type { Placement, Plan } from './plan-record.ts';
import { indexRetentions } from './retention.ts';

function planOf(id: string, more: Partial<Plan>): Plan {
  return {
    id,
    createdAt: id,
    phase: 'Arriving',
    direction: 'forward',
    labels: [],
    leaves: [],
    arrives: [],
    ...more,
  } as Plan;
}

function place(app: string, cluster: string, more: Partial<Placement> = {}): Placement {
  return { app, cluster, set: 'argocd/shop', policy: 'Surge', soakMs: 0, cascade: true, ...more };
}

const moving = { leaves: [place('shop', 'eu')], arrives: [place('shop', 'us')] };
const requested = { leaves: [place('shop', 'eu', { withdrawal: 'requested' })] };
const kept = { leaves: [place('shop', 'eu', { policy: 'Never' })] };

it.each<[string, Plan[], string | undefined]>([
  ['a plan that is not begun', [planOf('1', { ...moving, phase: 'Planned' })], undefined],
  ['what leaves', [planOf('1', moving)], '1 retained'],
  ['what a plan withdraws', [planOf('1', requested)], '1 released'],
  [
    'what a plan waits for a silent cluster to withdraw',
    [planOf('1', { ...requested, phase: 'Fenced' })],
    '1 released',
  ],
  ['what stays, while labels are on their way back', [planOf('1', { ...moving, direction: 'back' })], '1 retained'],
  ['a plan that is over', [planOf('1', { ...requested, phase: 'Completed' })], undefined],
  ['what policy Never kept, when the plan is over', [planOf('1', { ...kept, phase: 'Completed' })], '1 retained'],
  ['what an automatic plan keeps away', [planOf('1', { suppressed: [place('shop', 'eu')] })], '1 suppressed'],
  [
    'what an older plan kept away from clusters that are labelled anew',
    [
      planOf('1', { phase: 'Completed', suppressed: [place('shop', 'eu')] }),
      planOf('2', { labels: [{ cluster: 'eu', key: 'role', before: 'a', after: 'b' }] }),
    ],
    undefined,
  ],
  ['a later plan', [planOf('2', requested), planOf('1', { ...kept, phase: 'Completed' })], '2 released'],
])('%s', (...[_what, plans, expected]) => {
  const found = indexRetentions(plans).find('shop', 'eu');
  expect(found && `${found.plan} ${found.state}`).toBe(expected);
});

describe('a plan that is turned back', () => {
  const labels = [
    { cluster: 'eu', key: 'role', before: 'active', after: 'standby' },
    { cluster: 'us', key: 'role', before: 'standby', after: 'active' },
  ];

  /** What the generators give while these clusters are active, the same workload under one name on each. */
  const generated = (active: string[]) =>
    active.map(
      (cluster) =>
        ({
          metadata: { name: `shop-${cluster}`, namespace: 'argocd' },
          spec: { destination: { name: cluster } },
        }) as Application,
    );

  const steps: [string, string[][]][] = [
    ['the source first', [['eu', 'us'], ['eu']]],
    ['the destination first', [[], ['eu']]],
    ['to and fro', [['eu', 'us'], ['us'], [], ['eu']]],
  ];

  it.each(steps)('removes nothing while labels are on their way back, %s', (...[_what, actives]) => {
    const leaves = [place('shop-eu', 'eu')];
    const plan = planOf('1', {
      phase: 'Relabelling',
      direction: 'back',
      labels,
      leaves,
      arrives: [place('shop-us', 'us')],
    });
    const { find: planned } = indexRetentions([plan]);
    let present = generated(['eu', 'us']);
    for (const active of actives) {
      const decision = decideRemovals({
        before: { applications: present } as unknown as StoredEvaluation,
        fresh: generated(active),
        budget: { count: 10, percent: 100, always: 10 },
        clusterOf: ({ spec }) => spec.destination.name,
        planned,
        now: new Date(0),
      });
      expect(decision.removed).toEqual([]);
      present = decision.applications;
      expect(present.map(({ metadata }) => metadata.name).sort()).toEqual(['shop-eu', 'shop-us']);
    }
  });
});
