import { describe, expect, it } from 'vitest';
import { createCluster, createSettledFleet, pin, planOf, sixClusters, step } from './simulated-fleet.ts';

const plan = planOf([step('canary', { labels: { matchLabels: { canary: 'true' } } }), step('rest')]);

describe('a step that all have left', () => {
  it('proves nothing by a step that all have left, and the next is not begun', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.clusters.delete('c00');
    fleet.decide();
    expect(fleet.record).toMatchObject({ phase: 'Progressing', message: 'step canary: every cluster of it has left' });
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toBe('step canary shows nothing: all 1 that it took have left');
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it('proves nothing by a step that all left before it began', () => {
    const window = { schedule: '0 22 * * *', duration: '2h' };
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.plan = planOf([
      { ...step('canary', { labels: { matchLabels: { canary: 'true' } } }), windows: [window] },
      step('rest'),
    ]);
    fleet.push('B');
    fleet.decide();
    expect(fleet.record.phase).toBe('WaitingForWindow');
    fleet.clusters.delete('c00');
    fleet.now = Date.parse('1970-01-01T22:00:00.000Z');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it('goes on with a cluster that joins a step which all others have left', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.clusters.delete('c00');
    fleet.decide();
    fleet.clusters.set('c98', createCluster({ id: 'c98', newest: pin('B'), labels: { canary: 'true' } }));
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Completed' });
  });
});

describe('Applications whose destination is not known for the moment', () => {
  it('keep their pins, with what they return to', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.away.add('c00');
    fleet.decide();
    expect(fleet.record.pins['app-c00']).toMatchObject({ now: { bundle: 'B' }, good: { bundle: 'A' } });
    fleet.away.delete('c00');
    fleet.change('c00', { outcomes: { B: 'degraded' } });
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Failed');
    expect(fleet.pinOf('c00')).toBe('A');
  });

  it('hold their step up as silent ones do, and prove nothing', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.push('B');
    fleet.decide();
    fleet.away.add('c00');
    fleet.settle();
    expect(fleet.record.run).toMatchObject({ outcome: 'Failed' });
    expect(fleet.record.run?.reason).toContain('its cluster is silent');
    expect(fleet.pinOf('c00')).toBe('A');
    expect(fleet.pinOf('c01')).toBe('A');
  });

  it('are not left out of the step that they alone make', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.away.add('c00');
    fleet.push('B');
    expect(fleet.decide()).toEqual([]);
    expect(fleet.record).toMatchObject({
      phase: 'Preparing',
      message: 'step canary takes nothing while it is not known where app-c00 go',
    });
    fleet.away.delete('c00');
    expect(fleet.decide()).toEqual(['app-c00']);
  });

  it('hold nothing up where the step has others, and follow when they are back', () => {
    const fleet = createSettledFleet(plan, sixClusters);
    fleet.away.add('c03');
    fleet.push('B');
    fleet.settle();
    expect(fleet.record.run?.outcome).toBe('Completed');
    expect(fleet.pinOf('c03')).toBe('A');
    fleet.away.delete('c03');
    fleet.settle();
    expect(fleet.pinOf('c03')).toBe('B');
  });
});
