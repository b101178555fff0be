import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { RolloutStep } from '@wheelhouse/shared/resources/application-set';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Withdrawal } from '../store/additions.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { isDeletedInOrder, nextDeparture, whyNoOrder } from './deletion-order.ts';
import { reverseOf, type Strategy, setWith, stepFor } from './testing/rolling-set.ts';

const steps = [stepFor('one'), stepFor('two'), stepFor('three')];

const reverse = reverseOf(steps);

/** Name and tier: `a:one`; without a tier it is in no step. */
function app(text: string) {
  const [name = '', tier] = text.split(':');
  return applicationOf(name, { metadata: tier ? { labels: { tier } } : {} });
}

function leavingOf(text: string): Withdrawal {
  const application = app(text);
  const at = '2026-01-01T00:00:00.000Z';
  const app_ = application.metadata.name;
  return { app: app_, cluster: 'east', reason: '', cascade: true, by: 'ann', at, application };
}

describe('whether a set is deleted in an order', () => {
  it.each<[string, Partial<Strategy> | undefined, boolean, RegExp]>([
    ['with Reverse and steps', reverse, true, /^nothing$/],
    ['with reverse in any case', { ...reverse, deletionOrder: 'rEVERSE' }, true, /^nothing$/],
    ['with AllAtOnce', { ...reverse, deletionOrder: 'AllAtOnce' }, false, /^nothing$/],
    ['with no order', { type: 'RollingSync', rollingSync: { steps } }, false, /^nothing$/],
    ['with no strategy', undefined, false, /^nothing$/],
    [
      'with Reverse and no steps',
      { ...reverse, rollingSync: { steps: [] } },
      false,
      /no effect without type: RollingSync/,
    ],
    ['with Reverse and another type', { ...reverse, type: 'AllAtOnce' }, false, /no effect without type: RollingSync/],
    ['with a word that nobody knows', { ...reverse, deletionOrder: 'Sideways' }, false, /"Sideways" is neither/],
  ])('%s', (...[, strategy, expected, warning]) => {
    const set = setWith(strategy);
    expect(isDeletedInOrder(set)).toBe(expected);
    expect(whyNoOrder(set) ?? 'nothing').toMatch(warning);
  });

  it('is asked of sets only', () => {
    const other: KubeObject = { ...setWith(reverse), kind: 'Application' };
    expect(isDeletedInOrder(other)).toBe(false);
  });
});

describe('what goes next', () => {
  it.each<[string, { present?: string[]; leaving?: string[] }, unknown]>([
    [
      'is the last step that has anything',
      { present: ['a:one', 'b:two', 'c:two', 'd'] },
      { step: 1, due: ['b', 'c'], waiting: [] },
    ],
    [
      'is nothing while the last step is on its way',
      { present: ['a:one'], leaving: ['b:two'] },
      { step: 1, due: [], waiting: ['b'] },
    ],
    [
      'is the rest of a step of which some are on their way',
      { present: ['a:one', 'c:two'], leaving: ['b:two'] },
      { step: 1, due: ['c'], waiting: ['b'] },
    ],
    [
      'is a lower step whatever of it is on its way already',
      { present: ['a:one'], leaving: ['z:one'] },
      { step: 0, due: ['a'], waiting: ['z'] },
    ],
    ['is the set when only Applications in no step are left', { present: ['d'] }, undefined],
    ['is the set when only such are on their way', { leaving: ['d'] }, undefined],
    ['is the set when nothing is left', {}, undefined],
  ])('%s', (_name, { present = [], leaving = [] }, expected) => {
    const departure = nextDeparture(setWith(reverse), { present: present.map(app), leaving: leaving.map(leavingOf) });
    expect(
      departure && {
        step: departure.step,
        due: departure.due.map(({ metadata }) => metadata.name),
        waiting: departure.waiting.map((one) => one.app),
      },
    ).toEqual(expected);
  });

  it.each<[string, RolloutStep[], number | undefined]>([
    ['the first step that matches', [stepFor('one'), stepFor('one')], 0],
    ['a step without expressions, which matches everything', [stepFor('two'), {}], 1],
    [
      'NotIn, which matches what lacks the label',
      [{ matchExpressions: [{ key: 'no', operator: 'NotIn', values: ['x'] }] }],
      0,
    ],
    ['no step that is invalid', [{ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }], undefined],
    ['no step that has no values', [{ matchExpressions: [{ key: 'tier', operator: 'In', values: [] }] }], undefined],
  ])('an Application goes with %s', (_name, given, expected) => {
    const set = setWith({ ...reverse, rollingSync: { steps: given } });
    expect(nextDeparture(set, { present: [app('a:one')], leaving: [] })?.step).toBe(expected);
  });

  it('never takes a step before one that comes after it is gone, and always ends', () => {
    const tiers = fc.array(fc.constantFrom('one', 'two', 'three', undefined), { maxLength: 12 });
    fc.assert(
      fc.property(tiers, fc.infiniteStream(fc.boolean()), (given, confirmed) => {
        let present = given.map((tier, index) => app(tier ? `a${index}:${tier}` : `a${index}`));
        let leaving: Withdrawal[] = [];
        let last = Number.POSITIVE_INFINITY;
        for (let turn = 0; turn < 200; turn += 1) {
          const departure = nextDeparture(setWith(reverse), { present, leaving });
          if (!departure) break;
          expect(departure.step).toBeLessThanOrEqual(last);
          expect(departure.due.length + departure.waiting.length).toBeGreaterThan(0);
          // what is on its way out is of this step alone, or of none
          const underWay = leaving.filter(({ application }) => application.metadata.labels !== undefined);
          expect(departure.waiting).toEqual(underWay);
          last = departure.step;
          const due = new Set(departure.due);
          present = present.filter((one) => !due.has(one));
          leaving = [
            ...leaving,
            ...departure.due.map((one) => leavingOf(`${one.metadata.name}:${one.metadata.labels?.['tier']}`)),
          ];
          leaving = leaving.filter(() => confirmed.next().value === false);
        }
        expect(present.every(({ metadata }) => metadata.labels === undefined)).toBe(true);
        expect(leaving).toEqual([]);
      }),
    );
  });
});
