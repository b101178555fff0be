import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import type { Retention } from '../failover/retention.ts';
import type { StoredEvaluation } from '../store/derived.ts';
import { decideRemovals } from './hold.ts';

function application(name: string, cluster = 'eu'): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: { project: 'default', source: { repoURL: 'x' }, destination: { name: cluster } },
  };
}

interface Given {
  before: Application[];
  fresh: Application[];
  plans?: Record<string, Retention['state']>;
  released?: string;
  rejected?: readonly string[];
  /** What plans say is of standbys. */
  standby?: true;
}

function decide({ before, fresh, plans = {}, released, rejected, standby }: Given) {
  const evaluation: StoredEvaluation = {
    namespace: 'argocd',
    name: 'shop',
    applications: before,
    errors: [],
    warnings: [],
    reads: { repositories: [], clusters: true, settings: [] },
    evaluatedAt: '2026-11-25T20:00:00Z',
  };
  const decision = decideRemovals({
    before: evaluation,
    fresh,
    budget: { count: 10, percent: 20, always: 3 },
    released,
    rejection: rejected && { applications: [...rejected], by: 'bob', reason: 'no', at: '' },
    clusterOf: ({ spec }) => spec.destination.name,
    planned: (app, cluster) => {
      const state = plans[`${app}@${cluster}`];
      return state && { plan: 'p1', state, policy: 'Surge', ...(standby ? { standby } : {}) };
    },
    now: new Date(0),
  });
  const roles = decision.applications.map(({ metadata }) => metadata.annotations?.['wheelhouse.dev/standby']);
  const places = (list: readonly Application[]) =>
    list.map(({ metadata, spec }) => `${metadata.name}@${spec.destination.name}`).sort();
  return { applications: places(decision.applications), removed: places(decision.removed), held: decision.held, roles };
}

const many = (count: number, cluster?: string) =>
  Array.from({ length: count }, (_, index) => application(`a${index}`, cluster));

describe('removals', () => {
  it.each<[string, Given, { applications?: string[]; removed: string[]; held?: object }]>([
    ['none', { before: many(2), fresh: many(2) }, { applications: ['a0@eu', 'a1@eu'], removed: [] }],
    ['within the budget', { before: many(5), fresh: many(3) }, { removed: ['a3@eu', 'a4@eu'] }],
    [
      'beyond it',
      { before: many(10), fresh: many(5) },
      {
        applications: many(10).map(({ metadata }) => `${metadata.name}@eu`),
        removed: [],
        held: { reason: '5 of 10 Applications would be removed, and the budget is 20 %' },
      },
    ],
    ['of everything', { before: many(1), fresh: [] }, { removed: [], held: { applications: ['a0'] } }],
    [
      'of one that goes to another cluster',
      { before: [application('a', 'eu')], fresh: [application('a', 'us')] },
      { applications: ['a@us'], removed: ['a@eu'] },
    ],
    [
      'of too many that go to another cluster: they stay where they are',
      { before: many(11), fresh: many(11, 'us') },
      {
        applications: many(11)
          .map(({ metadata }) => `${metadata.name}@eu`)
          .sort(),
        removed: [],
        held: {},
      },
    ],
    [
      'that a plan retains',
      { before: many(2), fresh: [application('a0')], plans: { 'a1@eu': 'retained' } },
      { applications: ['a0@eu', 'a1@eu'], removed: [] },
    ],
    [
      'of all, that a plan retains',
      { before: many(1), fresh: [], plans: { 'a0@eu': 'retained' } },
      { applications: ['a0@eu'], removed: [] },
    ],
    [
      'that a plan withdraws: no budget holds them, and they are not withdrawn twice',
      {
        before: many(10),
        fresh: [],
        plans: Object.fromEntries(many(10).map(({ metadata }) => [`${metadata.name}@eu`, 'released' as const])),
      },
      { applications: [], removed: [] },
    ],
    [
      'of one that moves by a plan: its old cluster keeps it by its document',
      { before: [application('a', 'eu')], fresh: [application('a', 'us')], plans: { 'a@eu': 'retained' } },
      { applications: ['a@us'], removed: [] },
    ],
    [
      'of one that a plan keeps from its new place',
      {
        before: [application('a', 'eu')],
        fresh: [application('a', 'us')],
        plans: { 'a@us': 'suppressed', 'a@eu': 'retained' },
      },
      { applications: ['a@eu'], removed: [] },
    ],
    [
      'beside those of a plan',
      { before: many(6), fresh: many(3), plans: { 'a5@eu': 'retained' } },
      { applications: ['a0@eu', 'a1@eu', 'a2@eu', 'a5@eu'], removed: ['a3@eu', 'a4@eu'] },
    ],
  ])('%s', (...[_what, given, expected]) => {
    expect(decide(given)).toMatchObject(expected);
  });

  it.each<[Retention['state'], string, string]>([
    ['retained', 'true', 'false'],
    ['released', 'true', 'true'],
    ['suppressed', 'false', 'true'],
  ])('are not meant where one becomes a standby: %s', (state, generated, expected) => {
    const one = application('a');
    const fresh = { ...one, metadata: { ...one.metadata, annotations: { 'wheelhouse.dev/standby': generated } } };
    const decision = decide({ before: [one], fresh: [fresh], plans: { 'a@eu': state }, standby: true });
    expect(decision).toMatchObject({ applications: ['a@eu'], removed: [], roles: [expected] });
  });

  it('that were rejected are no part of what a share is of', () => {
    const before = many(30);
    const rejected = before.slice(0, 20).map(({ metadata }) => metadata.name);
    const { held } = decide({ before, fresh: before.slice(25), rejected });
    expect(held).toMatchObject({ reason: '5 of 10 Applications would be removed, and the budget is 20 %' });
    expect(decide({ before, fresh: before.slice(25) }).held?.applications).toHaveLength(25);
  });

  it('are released by their fingerprint, and by no other', () => {
    const given = { before: many(10), fresh: many(5) };
    const fingerprint = decide(given).held?.fingerprint ?? '';
    expect(decide({ ...given, released: fingerprint }).removed).toHaveLength(5);
    expect(decide({ ...given, released: 'other' }).removed).toEqual([]);
  });
});
