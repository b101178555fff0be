import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applicationOf, evaluationOf } from '../testing/hub-state.ts';
import { budgetOf, projectsOf, whyBudgetInvalid } from './deletion-budget.ts';
import { type Decision, decideRemovals } from './hold.ts';

const now = new Date('2026-01-02T00:00:00Z');
const namesOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `app-${from + index}`);
const setWith = (budget: string | undefined) =>
  ({
    metadata: { annotations: budget === undefined ? {} : { 'wheelhouse.dev/deletion-budget': budget } },
  }) as ApplicationSet;

/** No plan has a say. */
const alone = {
  clusterOf: ({ spec }: Application) => spec.destination.name,
  planned: () => undefined,
};

interface Given {
  before?: string[];
  fresh: string[];
  budget?: string;
  released?: string;
  rejected?: string[];
}

function decide({ before, fresh, budget, released, rejected }: Given): Decision {
  return decideRemovals({
    before: before && evaluationOf(before.map((name) => applicationOf(name))),
    fresh: fresh.map((name) => applicationOf(name)),
    budget: budgetOf(setWith(budget)),
    released,
    ...(rejected ? { rejection: { applications: rejected, by: 'ann', reason: 'no', at: '2026-01-01T00:00:00Z' } } : {}),
    ...alone,
    now,
  });
}

describe('a budget', () => {
  it.each<[string | undefined, object]>([
    [undefined, { count: 10, percent: 20, always: 3 }],
    ['', { count: 10, percent: 20, always: 3 }],
    ['25', { count: 25, percent: 20, always: 3 }],
    ['50%', { count: 10, percent: 50, always: 0 }],
    ['25,50%', { count: 25, percent: 50, always: 0 }],
    ['50%, 25', { count: 25, percent: 50, always: 0 }],
    ['0', { count: 0, percent: 20, always: 3 }],
  ])('written as %j', (text, budget) => {
    expect(budgetOf(setWith(text))).toEqual(budget);
  });
});

const projectWith = (budget: string | undefined) =>
  ({ kind: 'AppProject', metadata: setWith(budget).metadata, spec: {} }) as AppProject;

describe('a budget of the project', () => {
  it.each<[string, string | undefined, (string | undefined)[], object]>([
    ['is the default of its sets', undefined, ['25,50%'], { count: 25, percent: 50, always: 0 }],
    ['gives the part that the set leaves out', '5', ['25,50%'], { count: 5, percent: 50, always: 0 }],
    ['is nothing against what the set says', '5,10%', ['25,50%'], { count: 5, percent: 10, always: 0 }],
    ['is the least of several', undefined, ['25', '15'], { count: 15, percent: 20, always: 3 }],
    [
      'is no more than what a project without a word has',
      undefined,
      ['25', undefined],
      { count: 10, percent: 20, always: 3 },
    ],
  ])('%s', (...[, own, projects, budget]) => {
    expect(budgetOf(setWith(own), projects.map(projectWith))).toEqual(budget);
  });

  it('is that of the project in the template, or of what the set has where that is a template', () => {
    const find = (name: string) => ({ ...projectWith('1'), metadata: { name, namespace: 'argocd' } });
    const setOf = (project?: string) =>
      ({ spec: { template: { spec: project === undefined ? {} : { project } } } }) as ApplicationSet;
    const has = ['a', 'b', 'a'].map((project) => applicationOf('x', { spec: { project } }));
    const names = (project?: string) => projectsOf(setOf(project), { has, find }).map(({ metadata }) => metadata.name);
    expect([names(), names(''), names('shop'), names('{{.team}}')]).toEqual([
      ['default'],
      ['default'],
      ['shop'],
      ['a', 'b'],
    ]);
  });

  it.each([
    ['25,50%', undefined],
    ['many', 'annotation wheelhouse.dev/deletion-budget "many" is no budget; write it as "25,50%", "25" or "50%"'],
    ['-1', 'annotation wheelhouse.dev/deletion-budget "-1" is no budget; write it as "25,50%", "25" or "50%"'],
  ])('written as %j is judged', (text, reason) => {
    expect(whyBudgetInvalid(setWith(text))).toBe(reason);
  });
});

describe('removals that a person rejected', () => {
  it('stay, and are not held again', () => {
    const decision = decide({ before: namesOf(10), fresh: namesOf(4), rejected: namesOf(6, 4) });
    expect(decision.applications).toHaveLength(10);
    expect(decision).toMatchObject({ removed: [], rejected: { applications: namesOf(6, 4), by: 'ann', reason: 'no' } });
    expect(decision.held).toBeUndefined();
  });

  it('count for nothing in the budget of others', () => {
    const decision = decide({ before: namesOf(10), fresh: namesOf(3), rejected: namesOf(6, 4) });
    expect(decision.removed.map(({ metadata }) => metadata.name)).toEqual(['app-3']);
    expect(decision.rejected?.applications).toEqual(namesOf(6, 4));
  });

  it('do not make a result that gives nothing look like one that leaves something', () => {
    const decision = decide({ before: namesOf(3), fresh: [], rejected: ['app-2'] });
    expect(decision.held?.applications).toEqual(['app-0', 'app-1']);
    expect(decision.applications).toHaveLength(3);
  });

  it('go when they are released after all', () => {
    const given = { before: namesOf(10), fresh: namesOf(4), rejected: namesOf(6, 4) };
    const released = decide(given).rejected?.fingerprint ?? '';
    const decision = decide({ ...given, released });
    expect(decision.removed).toHaveLength(6);
    expect(decision.rejected).toBeUndefined();
  });

  it('are nothing while they are generated again', () => {
    expect(decide({ before: namesOf(10), fresh: namesOf(10), rejected: namesOf(6, 4) })).toEqual({
      applications: expect.any(Array) as unknown[],
      removed: [],
    });
  });
});

describe('removals', () => {
  it.each<[string, Given, string | undefined]>([
    ['none', { before: namesOf(5), fresh: namesOf(5) }, undefined],
    ['of a first evaluation', { fresh: namesOf(5) }, undefined],
    ['of three of four', { before: namesOf(4), fresh: namesOf(1) }, undefined],
    [
      'of four of 19, more than 20 %',
      { before: namesOf(19), fresh: namesOf(15) },
      '4 of 19 Applications would be removed, and the budget is 20 %',
    ],
    ['of four of 20', { before: namesOf(20), fresh: namesOf(16) }, undefined],
    ['of ten of 100', { before: namesOf(100), fresh: namesOf(90) }, undefined],
    [
      'of eleven of 100',
      { before: namesOf(100), fresh: namesOf(89) },
      '11 Applications would be removed, and the budget is 10',
    ],
    ['of all', { before: namesOf(1), fresh: [] }, 'the generators gave nothing, which would remove all 1 Applications'],
    [
      'of all for others',
      { before: namesOf(5), fresh: namesOf(5, 5) },
      '5 of 5 Applications would be removed, and the budget is 20 %',
    ],
    [
      'of one, with a budget of none',
      { before: namesOf(5), fresh: namesOf(4), budget: '0' },
      '1 Applications would be removed, and the budget is 0',
    ],
    ['of half, with a budget of half', { before: namesOf(8), fresh: namesOf(4), budget: '50%' }, undefined],
    [
      'of one of four, with a budget of 10 %',
      { before: namesOf(4), fresh: namesOf(3), budget: '10%' },
      '1 of 4 Applications would be removed, and the budget is 10 %',
    ],
  ])('%s', (_name, given, reason) => {
    const { held } = decide(given);
    expect(held?.reason).toBe(reason);
  });

  it('that are held keep what was there, beside what is new and changed', () => {
    const changed = applicationOf('app-0', { spec: { syncPolicy: { automated: {} } } });
    const decision = decideRemovals({
      before: evaluationOf(namesOf(10).map((name) => applicationOf(name))),
      fresh: [changed, applicationOf('new')],
      budget: budgetOf(setWith(undefined)),
      ...alone,
      now,
    });
    expect(decision.removed).toEqual([]);
    expect(decision.applications.map(({ metadata }) => metadata.name).sort()).toEqual([...namesOf(10), 'new'].sort());
    expect(decision.applications).toContain(changed);
    expect(decision.held).toMatchObject({ applications: namesOf(10).slice(1), since: now.toISOString() });
  });

  it('go ahead when exactly these were released', () => {
    const given = { before: namesOf(20), fresh: namesOf(1) };
    const fingerprint = decide(given).held?.fingerprint ?? '';
    expect(decide({ ...given, released: fingerprint }).removed).toHaveLength(19);
    expect(decide({ ...given, fresh: [], released: fingerprint }).removed).toEqual([]);
  });

  it('released once are held again when they come a second time', () => {
    const input = { ...alone, budget: budgetOf(setWith(undefined)), fresh: [] };
    const before = evaluationOf(namesOf(20).map((name) => applicationOf(name)));
    const released = decideRemovals({ ...input, before, now }).held?.fingerprint;
    const months = new Date(now.getTime() + 90 * 86_400_000);
    const again = decideRemovals({ ...input, before, released, now: months });
    expect([again.removed, again.held?.applications]).toEqual([[], namesOf(20).sort()]);
  });

  it('that go on being held are held since the first time', () => {
    const before = evaluationOf(namesOf(20).map((name) => applicationOf(name)));
    const input = { ...alone, fresh: [], budget: budgetOf(setWith(undefined)) };
    const { held } = decideRemovals({ ...input, before, now });
    const later = decideRemovals({
      ...input,
      before: { ...before, ...(held ? { held } : {}) },
      now: new Date('2026-02-01T00:00:00Z'),
    });
    expect(later.held?.since).toBe(now.toISOString());
  });

  it('never go beyond the budget, and nothing is lost: all are kept, removed or held', () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 60 });
    const budget = fc.option(fc.constantFrom('0', '5', '30%', '2,80%', '100,100%'), { nil: undefined });
    fc.assert(
      fc.property(names, names, budget, (had, gives, text) => {
        const [before, fresh] = [had, gives].map((numbers) => numbers.map((one) => `app-${one}`)) as [
          string[],
          string[],
        ];
        const { applications, removed, held } = decide({
          before,
          fresh,
          ...(text === undefined ? {} : { budget: text }),
        });
        const { count, percent, always } = budgetOf(setWith(text));
        const kept = new Set(applications.map(({ metadata }) => metadata.name));
        expect(removed.length === 0 || held === undefined).toBe(true);
        expect(removed.length).toBeLessThanOrEqual(count);
        expect(removed.length <= always || (removed.length / before.length) * 100 <= percent).toBe(true);
        expect(removed.length === 0 || fresh.length > 0).toBe(true);
        expect(fresh.every((name) => kept.has(name))).toBe(true);
        const gone = before.filter((name) => !kept.has(name)).sort();
        expect(gone).toEqual(removed.map(({ metadata }) => metadata.name).sort());
      }),
    );
  });
});
