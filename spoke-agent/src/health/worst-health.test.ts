import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWorse, worstHealth } from './worst-health.ts';

const order = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'] as const;

it('is Healthy for nothing at all, and for what has no health', () => {
  expect(worstHealth([])).toBe('Healthy');
  expect(worstHealth([undefined, undefined])).toBe('Healthy');
});

it('is the one furthest from Healthy, in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.constantFrom(...order), { nil: undefined })), (statuses) => {
      const positions = statuses.map((status) => (status === undefined ? 0 : order.indexOf(status)));
      expect(worstHealth(statuses)).toBe(order[Math.max(0, ...positions)]);
    }),
  );
});

it('is strict', () => {
  expect(isWorse('Degraded', 'Degraded')).toBe(false);
  expect(isWorse('Unknown', 'Degraded')).toBe(true);
  expect(isWorse('Healthy', 'Suspended')).toBe(false);
});
