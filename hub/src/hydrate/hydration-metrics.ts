import { Histogram, type Registry } from 'prom-client';

export interface HydrationMetrics {
  /** What was due of a branch was compared with it: how that ended. */
  hydrated(outcome: { outcome: 'pushed' | 'unchanged' | 'failed'; seconds: number }): void;
}

export function createHydrationMetrics(registers: Registry[]): HydrationMetrics {
  const hydration = new Histogram({
    name: 'wheelhouse_hydration_seconds',
    help: 'Time to compare rendered manifests with their branch and to push what differs; its count by outcome',
    labelNames: ['outcome'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90],
    registers,
  });
  return { hydrated: ({ outcome, seconds }) => hydration.observe({ outcome }, seconds) };
}
