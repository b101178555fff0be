import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { inCluster } from '../assign/destination.ts';
import type { Metrics } from '../metrics.ts';
import type { Dispatch } from '../queue/dispatch.ts';
import type { Additions } from '../store/additions.ts';
import type { Statuses } from './statuses.ts';

export interface FollowStatusesDeps {
  statuses: Statuses;
  additions: Pick<Additions, 'deleteWithdrawal'>;
  dispatch: Pick<Dispatch, 'assign'>;
  metrics: Metrics;
  logger: Logger;
}

/** What a status brings about on every replica: the end of a withdrawal that its cluster has carried out. */
export function followStatuses(deps: FollowStatusesDeps): Disposable {
  return deps.statuses.onChange(({ cluster, status }) => {
    deps.metrics.statusRecorded();
    if (status.removed) forgetWithdrawal(cluster, status, deps);
  });
}

function forgetWithdrawal(cluster: string, status: AppStatus, deps: FollowStatusesDeps): void {
  // a parent's withdrawal ends only when the hub's part of it is done too
  const forgotten =
    cluster === inCluster.name ? deps.dispatch.assign(cluster) : deps.additions.deleteWithdrawal(cluster, status.app);
  forgotten.catch((error: unknown) =>
    deps.logger.warn(
      { err: toFleetError(error), cluster, app: status.app },
      'withdrawal was not forgotten; the next status tries again',
    ),
  );
}
