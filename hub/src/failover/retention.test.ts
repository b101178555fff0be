import { expect, it } from 'vitest';
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
