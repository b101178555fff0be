import { describe, expect, it } from 'vitest';
import { decideRemovals } from '../generate/hold.ts';
import { applicationOf, evaluationOf } from '../testing/hub-state.ts';
import type { Plan } from './plan-record.ts';
import { indexRetentions } from './retention.ts';
import { placementOf, planOf } from './testing/plan.ts';

/** One that is under way and moves nothing; one with a higher id was made later. */
function planned(id: string, more: Partial<Plan>): Plan {
  return planOf({ id, createdAt: id, phase: 'Arriving', labels: [], leaves: [], arrives: [], ...more });
}

const moving = { leaves: [placementOf('shop', 'eu')], arrives: [placementOf('shop', 'us')] };
const requested = { leaves: [placementOf('shop', 'eu', { withdrawal: 'requested' })] };
const kept = { leaves: [placementOf('shop', 'eu', { policy: 'Never' })] };

it.each<[string, Plan[], string | undefined]>([
  ['a plan that is not begun', [planned('1', { ...moving, phase: 'Planned' })], undefined],
  ['what leaves', [planned('1', moving)], '1 retained'],
  ['what a plan withdraws', [planned('1', requested)], '1 released'],
  [
    'what a plan waits for a silent cluster to withdraw',
    [planned('1', { ...requested, phase: 'Fenced' })],
    '1 released',
  ],
  ['what stays, while labels are on their way back', [planned('1', { ...moving, direction: 'back' })], '1 retained'],
  ['a plan that is over', [planned('1', { ...requested, phase: 'Completed' })], undefined],
  ['what policy Never kept, when the plan is over', [planned('1', { ...kept, phase: 'Completed' })], '1 retained'],
  ['what an automatic plan keeps away', [planned('1', { suppressed: [placementOf('shop', 'eu')] })], '1 suppressed'],
  [
    'what an older plan kept away from clusters that are labelled anew',
    [
      planned('1', { phase: 'Completed', suppressed: [placementOf('shop', 'eu')] }),
      planned('2', { labels: [{ cluster: 'eu', key: 'role', before: 'a', after: 'b' }] }),
    ],
    undefined,
  ],
  [
    'what policy Never would have kept, of a plan that was aborted before it was begun',
    [planned('1', { ...kept, phase: 'Aborted' })],
    undefined,
  ],
  [
    'what policy Never kept, of a plan that was undone',
    [planned('1', { phase: 'Aborted', direction: 'back', arrives: kept.leaves })],
    '1 retained',
  ],
  [
    'what a later plan brings back',
    [planned('1', { ...kept, phase: 'Completed' }), planned('2', { arrives: kept.leaves })],
    '2 retained',
  ],
  [
    'what a later plan has brought back',
    [planned('1', { ...kept, phase: 'Completed' }), planned('2', { arrives: kept.leaves, phase: 'Completed' })],
    undefined,
  ],
  [
    'what a silent cluster was to withdraw, and a later plan brings back',
    [planned('1', { ...requested, phase: 'Fenced' }), planned('2', { arrives: moving.leaves })],
    '2 retained',
  ],
  [
    'what is left to a later plan',
    [planned('1', { phase: 'Fenced', leaves: [placementOf('shop', 'eu', { broughtBackBy: '2' })] })],
    undefined,
  ],
  ['a later plan', [planned('2', requested), planned('1', { ...kept, phase: 'Completed' })], '2 released'],
])('%s', (...[_what, plans, expected]) => {
  const found = indexRetentions(plans).find('shop', 'eu');
  expect(found && `${found.plan} ${found.state}`).toBe(expected);
});

it('what arrives does not leave', () => {
  const { find } = indexRetentions([planned('1', moving)]);
  expect([find('shop', 'us')?.comes, find('shop', 'eu')?.comes]).toEqual([true, undefined]);
});

describe('a plan that is turned back', () => {
  const labels = [
    { cluster: 'eu', key: 'role', before: 'active', after: 'standby' },
    { cluster: 'us', key: 'role', before: 'standby', after: 'active' },
  ];

  /** What the generators give while these clusters are active, the same workload under one name on each. */
  const generated = (active: string[]) => active.map((cluster) => applicationOf(`shop-${cluster}`, { cluster }));

  const steps: [string, string[][]][] = [
    ['the source first', [['eu', 'us'], ['eu']]],
    ['the destination first', [[], ['eu']]],
    ['to and fro', [['eu', 'us'], ['us'], [], ['eu']]],
  ];

  it.each(steps)('removes nothing while labels are on their way back, %s', (...[_what, actives]) => {
    const leaves = [placementOf('shop-eu', 'eu')];
    const plan = planned('1', {
      phase: 'Relabelling',
      direction: 'back',
      labels,
      leaves,
      arrives: [placementOf('shop-us', 'us')],
    });
    const { find } = indexRetentions([plan]);
    let present = generated(['eu', 'us']);
    for (const active of actives) {
      const decision = decideRemovals({
        before: evaluationOf(present),
        fresh: generated(active),
        budget: { count: 10, percent: 100, always: 10 },
        clusterOf: ({ spec }) => spec.destination.name,
        planned: find,
        now: new Date(0),
      });
      expect(decision.removed).toEqual([]);
      present = decision.applications;
      expect(present.map(({ metadata }) => metadata.name).sort()).toEqual(['shop-eu', 'shop-us']);
    }
  });
});
