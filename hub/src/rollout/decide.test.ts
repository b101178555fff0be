import { describe, expect, it } from 'vitest';
import { isActive } from './record.ts';
import {
  clusterIds,
  createCluster,
  createSettledFleet,
  createSimulatedFleet,
  pin,
  planOf,
  type SimulatedFleet,
  sixClusters,
  step,
} from './simulated-fleet.ts';

const canaryThenRest = planOf([
  step('canary', { labels: { matchLabels: { canary: 'true' } } }),
  step('rest', { maxUpdate: { count: 2 } }),
]);

describe('a change that works', () => {
  it('goes to the canary first, then to the rest two at a time, and ends as Completed', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    expect(fleet.decide()).toEqual(['app-c00']);
    expect(fleet.record).toMatchObject({ phase: 'Progressing', message: 'step canary (1 of 2): 0 of 1 healthy' });
    fleet.pass(1_000);
    expect(fleet.decide()).toEqual([]);
    fleet.pass(2_000);
    expect(fleet.decide()).toHaveLength(2);
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Completed', number: 2, revision: 'B-commit' });
    for (const id of clusterIds(6)) expect(fleet.pinOf(id)).toBe('B');
    expect(fleet.record.events.map(({ type }) => type).slice(-6)).toEqual([
      'RolloutStarted',
      'StepStarted',
      'StepProved',
      'StepStarted',
      'StepProved',
      'RolloutCompleted',
    ]);
  });

  it('does nothing more when it is decided again with the same facts', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.decide();
    const once = structuredClone(fleet.record);
    fleet.decide();
    expect(fleet.record).toEqual(once);
  });

  it('waits for the soak, and begins it again when a cluster is no longer Healthy', () => {
    const plan = planOf([step('canary', { portion: { count: 1 }, soakMs: 30_000 }), step('rest')]);
    const fleet = createSettledFleet(plan, [{ id: 'a' }, { id: 'b' }]);
    fleet.push('B');
    fleet.decide();
    fleet.pass(1_000);
    fleet.decide();
    expect(fleet.record.phase).toBe('Soaking');
    const [canary = ''] = Object.entries(fleet.record.run?.members ?? {}).find(([, member]) => member.step === 0) ?? [];
    fleet.change(canary, { outcomes: { B: 'stuck' } });
    fleet.pass(20_000);
    fleet.decide();
    expect(fleet.record.phase).toBe('Progressing');
    fleet.change(canary, { outcomes: { B: 'healthy' } });
    fleet.pass(1_000);
    fleet.decide();
    fleet.pass(29_000);
    fleet.decide();
    expect(fleet.record.phase).toBe('Soaking');
    fleet.pass(1_000);
    fleet.decide();
    expect(fleet.record.run?.step).toBe(1);
  });
});

describe('a change that breaks', () => {
  it('returns the clusters that it touched to what is recorded, touches no other, and is not tried again', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    for (const id of clusterIds(6).slice(3)) fleet.change(id, { outcomes: { B: 'degraded' } });
    const touched = new Set<string>();
    for (let turn = 0; turn < 100; turn += 1) {
      for (const id of fleet.decide()) touched.add(id);
      fleet.pass(1_000);
    }
    expect(fleet.record.phase).toBe('Failed');
    expect(fleet.record.message).toMatch(
      /^step rest: .* failed .*app-c0\d is Degraded; a newer revision, or 'rollout resume', begins anew$/,
    );
    for (const id of clusterIds(6)) expect(fleet.pinOf(id)).toBe('A');
    expect(touched.size).toBeLessThan(6);
    expect(fleet.states()).toMatchObject({ c00: 'Returned' });
    const { number } = fleet.record.run ?? {};
    fleet.settle();
    expect(fleet.record.run?.number).toBe(number);
    fleet.push('C');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Completed', revision: 'C-commit' });
  });

  it.each([
    ['a cluster that never gets Healthy', 'stuck' as const, /not Healthy within 60 s/],
    ['a cluster that is Degraded', 'degraded' as const, /is Degraded/],
  ])('fails by %s', (_what, outcome, reason) => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: outcome } });
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toMatch(reason);
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it.each([
    ['one of five by count', { count: 1 }, 'Completed'],
    ['one of five by percent', { percent: 20 }, 'Completed'],
    ['one of five with less allowed', { percent: 19 }, 'Failed'],
    ['one of five with the smaller of both', { count: 3, percent: 10 }, 'Failed'],
  ])('bears %s', (_what, tolerance, outcome) => {
    const plan = planOf([step('all', { tolerance })]);
    const fleet = createSettledFleet(
      plan,
      clusterIds(5).map((id) => ({ id })),
    );
    fleet.push('B');
    fleet.change('c03', { outcomes: { B: 'degraded' } });
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe(outcome);
  });

  it('waits for a person where the plan says Pause, never goes past the step, and tries again when resumed', () => {
    const fleet = createSettledFleet({ ...canaryThenRest, onFailure: 'Pause' }, sixClusters);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.settle(50);
    expect(fleet.record).toMatchObject({ phase: 'Paused', pause: { by: 'rollout' } });
    expect(fleet.record.run?.step).toBe(0);
    expect(fleet.pinOf('c00')).toBe('B');
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it('is noticed in a step that was passed already', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    for (let turn = 0; turn < 4; turn += 1) {
      fleet.decide();
      fleet.pass(1_000);
    }
    expect(fleet.record.run?.step).toBe(1);
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Failed');
    expect(fleet.record.run?.reason).toContain('step canary');
  });
});

describe('a newer commit while a run is under way', () => {
  it('does not leak into a later step: it queues as the next run', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    fleet.decide();
    // the render of the second step's clusters arrives before that of the first, and while the first is under way
    for (const id of clusterIds(6).slice(1)) fleet.change(id, { newest: pin('C') });
    const seen = new Set<string>();
    for (let turn = 0; turn < 8; turn += 1) {
      fleet.decide();
      for (const id of clusterIds(6).slice(1)) seen.add(fleet.pinOf(id) ?? '');
      fleet.pass(1_000);
      if (fleet.record.run?.number === 3) break;
    }
    expect([...seen].sort()).toEqual(['A', 'B']);
    fleet.push('C');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ number: 3, outcome: 'Completed', revision: 'C-commit' });
    expect(
      fleet.record.events
        .filter(({ type }) => type === 'StepProved')
        .map(({ message }) => message)
        .slice(-4),
    ).toEqual([
      'step canary proved B-commit',
      'step rest proved B-commit',
      'step canary proved C-commit',
      'step rest proved C-commit',
    ]);
  });

  it('begins anew with the canary where the plan says Supersede, and returns to what was good before both', () => {
    const fleet = createSettledFleet({ ...canaryThenRest, newRevision: 'Supersede' }, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.pass(1_000);
    fleet.push('C');
    fleet.change('c00', { outcomes: { C: 'degraded' } });
    fleet.decide();
    expect(fleet.pinOf('c00')).toBe('C');
    expect(fleet.pinOf('c01')).toBe('A');
    expect(fleet.record.events.map(({ type }) => type)).toContain('RolloutSuperseded');
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Failed');
    expect(fleet.pinOf('c00')).toBe('A');
  });

  it('does not begin before everything is rendered', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    for (const id of clusterIds(6).slice(1)) fleet.change(id, { newest: pin('B') });
    fleet.preparing = 'app-c00 is not rendered at B yet';
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record).toMatchObject({ phase: 'Preparing', message: 'app-c00 is not rendered at B yet' });
    fleet.preparing = undefined;
    fleet.push('B');
    expect(fleet.decide()).toEqual(['app-c00']);
  });
});

describe('clusters that change while a run is under way', () => {
  const twoSteps = planOf([step('canary', { labels: { matchLabels: { canary: 'true' } } }), step('rest')]);
  const offlineAt = (fleet: SimulatedFleet, id: string, online: boolean) => fleet.change(id, { online });

  it('passes an offline one over, and gives it the change when it is back', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    offlineAt(fleet, 'c03', false);
    fleet.push('B');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Completed' });
    expect(fleet.record.message).toContain('1 silent ones follow when they are back');
    expect(fleet.states()).toMatchObject({ c03: 'Skipped', c04: 'Healthy' });
    expect(fleet.pinOf('c03')).toBe('B');
  });

  it('takes an offline one in when it comes back in time', () => {
    const fleet = createSettledFleet(
      planOf([step('canary', { labels: { matchLabels: { canary: 'true' } } }), step('rest', { soakMs: 30_000 })]),
      sixClusters,
    );
    offlineAt(fleet, 'c03', false);
    fleet.push('B');
    for (let turn = 0; turn < 10; turn += 1) {
      fleet.decide();
      fleet.pass(1_000);
    }
    expect(fleet.states()).toMatchObject({ c03: 'Skipped' });
    offlineAt(fleet, 'c03', true);
    fleet.decide();
    expect(fleet.states()).toMatchObject({ c03: 'Updating' });
    fleet.settle();
    expect(fleet.states()).toMatchObject({ c03: 'Healthy' });
  });

  it('waits for an offline one where the plan says Wait, until its deadline', () => {
    const fleet = createSettledFleet({ ...twoSteps, offline: 'Wait' }, sixClusters);
    offlineAt(fleet, 'c03', false);
    fleet.push('B');
    fleet.settle(40);
    expect(isActive(fleet.record.run)).toBe(true);
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toContain('silent for as long as it was waited for');
  });

  it('takes one that falls silent with the new bundle for failed, never for healthy', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.push('B');
    fleet.decide();
    offlineAt(fleet, 'c00', false);
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toContain('its cluster is silent');
  });

  it('proves nothing by a step all of whose clusters are silent', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    offlineAt(fleet, 'c00', false);
    fleet.push('B');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toContain('step canary shows nothing');
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it('gives one that joins the recorded bundle until its step begins, and the new one then', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.clusters.set('c99', createCluster({ id: 'c99', newest: pin('B') }));
    fleet.decide();
    expect(fleet.pinOf('c99')).toBe('A');
    fleet.settle();
    expect(fleet.pinOf('c99')).toBe('B');
    expect(fleet.states()).toMatchObject({ c99: 'Healthy' });
  });

  it('gives one that joins while nothing is under way what the others run', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.clusters.set('c99', createCluster({ id: 'c99', newest: pin('A') }));
    fleet.decide();
    expect(fleet.pinOf('c99')).toBe('A');
    expect(fleet.record.run?.number).toBe(1);
  });

  it('gives one that joins after a failure what the others returned to', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.settle();
    fleet.clusters.set('c99', createCluster({ id: 'c99', newest: pin('B') }));
    fleet.decide();
    expect(fleet.pinOf('c99')).toBe('A');
  });

  it('keeps what was refused from one that joins with manifests of its own', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.settle();
    fleet.clusters.set('c99', createCluster({ id: 'c99', newest: { ...pin('own'), revision: pin('B').revision } }));
    fleet.settle();
    expect(fleet.record.pins).not.toHaveProperty('app-c99');
    fleet.push('C');
    fleet.settle();
    expect(fleet.pinOf('c99')).toBe('C');
  });

  it('is not held up by one that leaves', () => {
    const canaries = sixClusters.map((cluster, index) =>
      index === 1 ? { ...cluster, labels: { canary: 'true' } } : cluster,
    );
    const fleet = createSettledFleet(twoSteps, canaries);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: 'stuck' } });
    fleet.decide();
    fleet.clusters.delete('c00');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Completed' });
    expect(fleet.record.pins).not.toHaveProperty('app-c00');
  });

  it('keeps one that is relabelled in the step that it began in', () => {
    const fleet = createSettledFleet(twoSteps, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.change('c05', { labels: { canary: 'true' } });
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record.run?.members['c05']?.step).toBe(1);
  });

  it('does not begin when no step takes a cluster, and says which', () => {
    const fleet = createSettledFleet(
      planOf([
        step('eu', { labels: { matchLabels: { region: 'eu' } } }),
        step('us', { labels: { matchLabels: { region: 'us' } } }),
      ]),
      [
        { id: 'a', labels: { region: 'eu' } },
        { id: 'b', labels: { region: 'us' } },
      ],
    );
    fleet.change('b', { labels: { region: 'ap' } });
    fleet.push('B');
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record).toMatchObject({ phase: 'Invalid' });
    expect(fleet.record.message).toContain('no step takes b');
  });

  it('warns of a cluster that two steps take; the first has it', () => {
    const fleet = createSettledFleet(
      planOf([step('canary', { labels: { matchLabels: { canary: 'true' } } }), step('all', { labels: {} })]),
      sixClusters,
    );
    expect(fleet.record.warnings).toEqual(['c00 matches steps canary and all: it goes with canary']);
  });
});

describe('what people ask for', () => {
  const start = () => {
    const fleet = createSettledFleet(
      planOf([step('canary', { portion: { count: 1 }, soakMs: 10_000 }), step('rest')]),
      sixClusters,
    );
    fleet.push('B');
    fleet.decide();
    fleet.pass(1_000);
    fleet.decide();
    return fleet;
  };

  it('stays paused by a person when what is under way fails and returns: a newer revision does not begin', () => {
    const fleet = createSettledFleet(canaryThenRest, sixClusters);
    fleet.push('B');
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.decide();
    const { number = 0 } = fleet.record.run ?? {};
    fleet.record.pause = { reason: 'freeze', by: 'ann', at: '' };
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Failed', pause: { by: 'ann' }, run: { number } });
    expect(fleet.pinOf('c00')).toBe('A');
    fleet.push('C');
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Paused', run: { number } });
    delete fleet.record.pause;
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ number: number + 1, outcome: 'Completed', revision: 'C-commit' });
  });

  it('begins nothing while paused, and goes on when the pause is over', () => {
    const fleet = start();
    fleet.record.pause = { reason: 'freeze', by: 'ann', at: '', until: new Date(fleet.now + 100_000).toISOString() };
    fleet.pass(50_000);
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record).toMatchObject({ phase: 'Paused' });
    expect(fleet.record.message).toMatch(/^paused by ann: freeze, until .*; step canary soaks /);
    fleet.pass(50_000);
    expect(fleet.decide()).toHaveLength(5);
    expect(fleet.record.pause).toBeUndefined();
  });

  it('ends where it is when aborted, and can still be taken back', () => {
    const fleet = start();
    fleet.record.asked = { what: 'abort', by: 'ann', reason: 'wrong week' };
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Aborted', run: { outcome: 'Aborted' } });
    const on = () => clusterIds(6).filter((id) => fleet.pinOf(id) === 'B');
    expect(on()).toHaveLength(1);
    fleet.record.asked = { what: 'undo', by: 'ann', reason: 'all back' };
    fleet.settle();
    expect(on()).toHaveLength(0);
    expect(fleet.record.phase).toBe('Aborted');
  });

  it.each([
    ['abort', 1],
    ['undo', 0],
  ] as const)('%s ends a run that a person paused, and the pause holds what comes later', (what, updated) => {
    const fleet = start();
    const { number = 0 } = fleet.record.run ?? {};
    fleet.record.pause = { reason: 'freeze', by: 'ann', at: '' };
    fleet.record.asked = { what, by: 'bob', reason: 'wrong week' };
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Aborted', pause: { by: 'ann' }, run: { number } });
    expect(fleet.record.message).toContain("bob: wrong week; paused by ann: freeze; 'rollout resume' ends the pause");
    expect(clusterIds(6).filter((id) => fleet.pinOf(id) === 'B')).toHaveLength(updated);
    fleet.push('C');
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Paused', run: { number } });
    delete fleet.record.pause;
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ number: number + 1, outcome: 'Completed', revision: 'C-commit' });
  });

  it('ends the pause of a failed step, and is back in the one that a person had set before', () => {
    const fleet = createSettledFleet(
      planOf([step('canary', { portion: { count: 1 } }), step('rest')], { onFailure: 'Pause' }),
      clusterIds(2).map((id) => ({ id, outcomes: { B: 'degraded' } })),
    );
    fleet.push('B');
    fleet.decide();
    fleet.record.pause = { reason: 'freeze', by: 'ann', at: '' };
    fleet.settle(3);
    expect(fleet.record).toMatchObject({ phase: 'Paused', pause: { by: 'rollout' } });
    fleet.record.asked = { what: 'abort', by: 'bob', reason: 'broken' };
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Aborted', pause: { by: 'ann', reason: 'freeze' } });
    delete fleet.record.pause;
    fleet.push('C');
    fleet.settle();
    expect(fleet.record).toMatchObject({ phase: 'Completed', run: { revision: 'C-commit' } });
  });

  it('takes back at once what is under way', () => {
    const fleet = start();
    fleet.record.asked = { what: 'undo', by: 'ann', reason: 'no' };
    fleet.decide();
    expect(clusterIds(6).map((id) => fleet.pinOf(id))).toEqual(Array.from({ length: 6 }, () => 'A'));
  });

  it('takes back what ended well in steps, and Git does not bring it again', () => {
    const fleet = start();
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Completed');
    fleet.record.asked = { what: 'undo', by: 'ann', reason: 'slow' };
    fleet.decide();
    expect(clusterIds(6).filter((id) => fleet.pinOf(id) === 'A')).toHaveLength(1);
    fleet.settle();
    expect(clusterIds(6).filter((id) => fleet.pinOf(id) === 'A')).toHaveLength(6);
    fleet.settle(20);
    expect(fleet.record).toMatchObject({ phase: 'Completed', run: { number: 3, undoes: 2 } });
    expect(fleet.record.message).toContain('run 2 was taken back by ann: slow');
  });

  it('waits for an approval and for a change window', () => {
    const window = { schedule: '0 22 * * *', duration: '2h', timeZone: 'Europe/Berlin' };
    const fleet = createSettledFleet(planOf([step('canary', { portion: { count: 1 } }), step('rest')]), sixClusters);
    fleet.plan = planOf([
      step('canary', { portion: { count: 1 } }),
      step('rest', { approval: { people: ['ann'], roles: [] }, windows: [window] }),
    ]);
    fleet.push('B');
    fleet.decide();
    fleet.pass(3_000);
    fleet.decide();
    expect(fleet.record).toMatchObject({ phase: 'WaitingForApproval', message: 'step rest waits for approval by ann' });
    const waiting = fleet.record.run?.steps[1];
    if (waiting) waiting.approved = { by: 'ann', at: '' };
    fleet.decide();
    expect(fleet.record).toMatchObject({ phase: 'WaitingForWindow', wakeAt: '1970-01-01T21:00:00.000Z' });
    fleet.now = Date.parse('1970-01-01T21:00:00.000Z');
    expect(fleet.decide()).toHaveLength(5);
  });

  it('leaves everything pinned when the rollout is deleted in the middle', () => {
    const fleet = start();
    fleet.plan = undefined;
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record).toMatchObject({ phase: 'Orphaned', run: { outcome: 'Aborted' } });
    expect(Object.keys(fleet.record.pins)).toHaveLength(6);
  });
});

describe('RollingSync', () => {
  const rolling = (maxUpdate?: { count: number } | { percent: number }) =>
    planOf(
      [
        {
          name: '1',
          labels: { matchExpressions: [{ key: 'env', operator: 'In', values: ['dev'] }] },
          soakMs: 0,
          windows: [],
        },
        {
          name: '2',
          labels: { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod'] }] },
          soakMs: 0,
          windows: [],
          ...(maxUpdate ? { maxUpdate } : {}),
        },
      ],
      { kind: 'RollingSync', newRevision: 'Supersede', onFailure: 'Pause', offline: 'Wait', leavesOut: true },
    );
  const apps = [
    { id: 'd', labels: { env: 'dev' } },
    { id: 'p1', labels: { env: 'prod' } },
    { id: 'p2', labels: { env: 'prod' } },
    { id: 'x', labels: {} },
  ];

  it('never syncs what is in no step, and waits for ever for what is not Healthy', () => {
    const fleet = createSimulatedFleet(rolling(), apps);
    fleet.push('A');
    fleet.change('d', { outcomes: { A: 'degraded' } });
    fleet.settle(50);
    expect(fleet.record.run?.step).toBe(0);
    expect(isActive(fleet.record.run)).toBe(true);
    fleet.change('d', { outcomes: { A: 'healthy' } });
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Completed');
    expect(['d', 'p1', 'p2', 'x'].map(fleet.pinOf)).toEqual(['A', 'A', 'A', undefined]);
  });

  it('holds a step for an Application that does not change and is not Healthy', () => {
    const fleet = createSimulatedFleet(rolling(), apps);
    fleet.push('A');
    fleet.settle();
    fleet.change('d', { outcomes: { A: 'degraded' } });
    for (const id of ['p1', 'p2']) fleet.change(id, { newest: pin('B') });
    fleet.settle(20);
    expect(fleet.pinOf('p1')).toBe('A');
  });

  it('leaves a step with maxUpdate 0 to people', () => {
    const fleet = createSimulatedFleet(rolling({ count: 0 }), apps);
    fleet.push('A');
    fleet.settle(20);
    expect(['d', 'p1', 'p2'].map(fleet.pinOf)).toEqual(['A', undefined, undefined]);
  });
});
