import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { expect, it } from 'vitest';
import type { ReportedStatus } from './status.ts';
import { createStatusReporter } from './status-reporter.ts';

const status = (message: string, gen = 1): ReportedStatus => ({
  app: 'shop',
  gen,
  revision: 'r1',
  bundle: 'sha256:0',
  sync: 'Synced',
  health: { status: 'Healthy', message },
  resources: [],
  total: 0,
  conditions: [],
  observedAt: String(gen),
});

it('reports the first change at once, further ones coalesced, and what is the same never', () => {
  const clock = createManualClock();
  const reported: string[] = [];
  const report = ({ health }: ReportedStatus) => void reported.push(health.message ?? '');
  using reporter = createStatusReporter({ clock, report }, { minIntervalMs: 200 });
  reporter.offer(status('one'));
  reporter.offer(status('two'));
  reporter.offer(status('three'));
  expect(reported).toEqual(['one']);
  clock.advance(200);
  expect(reported).toEqual(['one', 'three']);
  clock.advance(1_000);
  reporter.offer(status('three', 2));
  reporter.offer(status('four'));
  expect(reported).toEqual(['one', 'three', 'four']);
  reporter.offer(status('five'));
  reporter.offer(status('four'));
  clock.advance(200);
  expect(reported).toEqual(['one', 'three', 'four']);
  reporter.forget('shop');
  reporter.offer(status('four'));
  expect(reported).toEqual(['one', 'three', 'four', 'four']);
});
