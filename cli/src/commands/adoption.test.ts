import { expect, it } from 'vitest';
import { formatAdoption } from './adoption.ts';

it('does not say that everything is explained before a cluster is back', () => {
  const none = { clusters: [], unknown: [] };
  const opened = { openedAt: new Date().toISOString(), by: 'hub', reason: 'the store was lost' };
  expect(formatAdoption({ ...none, ...opened, state: 'Open' })).toMatch(/no cluster was taken over yet/);
  expect(formatAdoption({ ...none, state: 'Closed' })).toMatch(/everything that runs is explained/);
});
