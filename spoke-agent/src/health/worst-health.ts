import type { HealthStatus } from '@wheelhouse/shared/protocol/status';

const bestFirst: readonly HealthStatus[] = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'];

/** Argo CD: an Application is as healthy as its worst resource; those without health do not count; none is Healthy. */
export function worstHealth(statuses: Iterable<HealthStatus | undefined>): HealthStatus {
  let worst: HealthStatus = 'Healthy';
  for (const status of statuses) if (status && isWorse(status, worst)) worst = status;
  return worst;
}

/** Argo CD: Healthy, Suspended, Progressing, Missing, Degraded, Unknown, from best to worst. */
export function isWorse(status: HealthStatus, than: HealthStatus): boolean {
  return bestFirst.indexOf(status) > bestFirst.indexOf(than);
}
