import { createFakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { fakePlan } from '@wheelhouse/hub/api/testing/fake-plans';
import { expect, it } from 'vitest';
import { serve } from '../testing/served.ts';

it.each([
  [{ phase: 'Completed' }, 0, 'Completed'],
  [{ phase: 'Fenced' }, 0, 'Fenced'],
  [{ phase: 'Fenced', direction: 'back' }, 1, 'Fenced (back)'],
  [{ phase: 'Aborted', direction: 'back' }, 1, 'Aborted'],
  [{ phase: 'Aborted' }, 1, 'Aborted'],
  [{ phase: 'Expired' }, 1, 'Expired'],
] as const)('a script goes on only after a plan that moved what it should: %o gives %i', async (plan, code, said) => {
  const deps = createFakeDeps();
  deps.plans.all.set('p1', fakePlan(plan));
  await using cli = await serve(deps);
  const result = await cli.run(['plan', 'wait', 'p1']);
  expect(result).toMatchObject({ code, err: '' });
  expect(result.out).toContain(`plan p1: ${said}, `);
});
