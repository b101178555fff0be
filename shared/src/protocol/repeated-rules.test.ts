import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AssignedApp, AssignmentDocument, IgnoreDifference } from './document.ts';
import { isRepetitive, packRules, unpackRules } from './repeated-rules.ts';

const ruleOf = (place: number): IgnoreDifference => ({
  group: 'apps',
  kind: 'Deployment',
  jqPathExpressions: [`.spec.template.spec.containers[] | select(.name == "sidecar-${place}")`],
});
const rules = (count: number) => Array.from({ length: count }, (_, place) => ruleOf(place));

function appOf(app: string, ignoreDifferences?: IgnoreDifference[]): AssignedApp {
  const policy = { syncOptions: [], ...(ignoreDifferences ? { ignoreDifferences } : {}) };
  return { app, ns: '', project: 'p', revision: 'r', bundle: 'b', vars: {}, policy, wave: 0 };
}

function documentOf(apps: AssignedApp[]): AssignmentDocument {
  return { v: 3, cluster: 'c', gen: 1, kid: 'k', issuedAt: '', apps, ops: [], tombstones: [] };
}

const travel = (document: object) => JSON.parse(JSON.stringify(document)) as AssignmentDocument;

describe('rules of what is ignored', () => {
  it('come back as they were, in their order, whatever Applications share', () => {
    const lists = fc.option(fc.array(fc.integer({ min: 0, max: 5 }).map(ruleOf), { maxLength: 6 }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(lists, { maxLength: 8 }), (drawn) => {
        const document = documentOf(drawn.map((list, index) => appOf(`app-${index}`, list)));
        expect(unpackRules(travel(packRules(document)))).toEqual(travel(document));
      }),
    );
  });

  it('stand in a document once, equal ones too that are not the same object', () => {
    const many = (count: number) =>
      documentOf(Array.from({ length: count }, (_, index) => appOf(`${index}`, rules(20))));
    const [one, all] = [1, 1_000].map((count) => JSON.stringify(packRules(many(count))));
    expect(JSON.parse(all ?? '')).toMatchObject({ v: 3, rules: rules(20) });
    const perApp = ((all?.length ?? 0) - (one?.length ?? 0)) / 999;
    expect(perApp).toBeLessThan(JSON.stringify(appOf('999')).length + 80);
  });

  it.each([
    ['a place that is not there', { ignoreDifferences: [1] }],
    ['a rule itself', { ignoreDifferences: [ruleOf(0)] }],
  ])('are refused when a policy names %s', (_what, policy) => {
    const document = { ...documentOf([appOf('a')]), rules: rules(1) };
    const travelled = { ...document, apps: [{ ...appOf('a'), policy }] } as unknown as AssignmentDocument;
    expect(() => unpackRules(travelled)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });
});

it.each([
  ['no rules', 1_000, 0, false],
  ['rules of one Application', 1, 500, false],
  ['a few rules', 20, 2, false],
  ['many', 100, 20, true],
])('%s are worth it or not', (...[, apps, count, expected]) => {
  expect(isRepetitive(Array.from({ length: apps }, (_, index) => appOf(`${index}`, rules(count))))).toBe(expected);
});
