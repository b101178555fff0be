import { expect, it } from 'vitest';
import { refuseNewer, tellNewer, whyNotUnderstood } from './record-format.ts';

it.each([{}, { v: 1 }])('takes a record of format %j', (record) => {
  expect(whyNotUnderstood('plan', 'p1', record)).toBeUndefined();
  expect(() => refuseNewer('plan', 'p1', record)).not.toThrow();
});

it('refuses a newer one, saying which, and what to do', () => {
  const why =
    'rollout argocd/shop was written by a newer hub, in format 2, of which this one knows 1: a hub of that version carries it on; upgrade the others';
  expect(whyNotUnderstood('rollout', 'argocd/shop', { v: 2 })).toBe(why);
  expect(() => refuseNewer('rollout', 'argocd/shop', { v: 2 })).toThrow(why);
});

it('tells of each newer one once', () => {
  const told: unknown[] = [];
  const logger = { warn: (fields: unknown) => void told.push(fields) } as never;
  const steps = [undefined, { v: 1 }, { v: 2 }, { v: 2 }, undefined, { v: 2 }, { v: 1 }];
  for (const [index, after] of steps.entries())
    tellNewer({ kind: 'plan', name: 'p1' }, { before: steps[index - 1], after }, logger);
  expect(told).toEqual([
    { plan: 'p1', reason: expect.stringContaining('in format 2') as string },
    { plan: 'p1', reason: expect.stringContaining('in format 2') as string },
  ]);
});
