import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { inCluster } from '../assign/destination.ts';
import type { Retentions } from '../failover/retention.ts';
import type { Metrics } from '../metrics.ts';
import type { Dispatch } from '../queue/dispatch.ts';
import type { Additions, Withdrawal } from '../store/additions.ts';
import type { SpecStore } from '../store/specs.ts';
import type { Statuses } from './statuses.ts';

export interface FollowStatusesDeps {
  statuses: Pick<Statuses, 'find' | 'onChange'>;
  additions: Pick<Additions, 'withdrawals' | 'allWithdrawals' | 'deleteWithdrawal' | 'deleteExpired'>;
  applications: Pick<Applications, 'find'>;
  specs: Pick<SpecStore, 'find'>;
  /** What plans let go of. */
  retentions: Retentions;
  dispatch: Pick<Dispatch, 'assign'>;
  metrics: Pick<Metrics, 'statusRecorded'>;
  logger: Logger;
  now(): Date;
}

export interface StatusFollower extends Disposable {
  /** Ends what a crash left: withdrawals that are confirmed already, and those whose removal never took place. Forgets operations that expired. */
  sweep(): Promise<void>;
}

/** A removal writes its withdrawal first and is over in a moment; one that is this old was cut off in the middle. */
const cutOffAfterMs = 10 * 60_000;

/** What a status brings about on every replica: the end of a withdrawal that its cluster has carried out. */
export function followStatuses(deps: FollowStatusesDeps): StatusFollower {
  const subscription = deps.statuses.onChange(({ cluster, status }) => {
    deps.metrics.statusRecorded();
    const withdrawal = status.removed && deps.additions.withdrawals(cluster).find((one) => one.app === status.app);
    if (!withdrawal || !confirms(status, withdrawal)) return;
    end(withdrawal, deps).catch((error: unknown) =>
      deps.logger.warn(
        { err: toFleetError(error), cluster, app: status.app },
        'withdrawal was not forgotten; the next sweep tries again',
      ),
    );
  });
  return {
    sweep: async () => {
      for (const withdrawal of deps.additions.allWithdrawals()) await sweepOne(withdrawal, deps);
      await deps.additions.deleteExpired(deps.now());
    },
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

async function sweepOne(withdrawal: Withdrawal, deps: FollowStatusesDeps): Promise<void> {
  const { cluster, app } = withdrawal;
  const status = deps.statuses.find(cluster, app)?.status;
  if (status && confirms(status, withdrawal)) await end(withdrawal, deps);
  // a sweep of many takes a while, and the same may have been withdrawn anew
  else if (wasCutOff(withdrawal, deps) && deps.additions.withdrawals(cluster).includes(withdrawal)) {
    deps.logger.warn({ cluster, app }, 'a withdrawal of an application that is still desired is forgotten');
    await deps.additions.deleteWithdrawal(cluster, app);
  }
}

/** A removal that an earlier document asked for says nothing about this one. */
function confirms(status: AppStatus, { after = 0 }: Withdrawal): boolean {
  return status.removed === true && status.gen > after;
}

function wasCutOff(withdrawal: Withdrawal, deps: FollowStatusesDeps): boolean {
  const application = deps.applications.find(withdrawal.app);
  if (application?.cluster !== withdrawal.cluster) return false;
  if (deps.now().getTime() - Date.parse(withdrawal.at) <= cutOffAfterMs) return false;
  return !isStillToGo(withdrawal, application.origin, deps);
}

/** Nothing but a generator that fails, or a hub that was away, keeps it: a plan has let go of it, or its set is gone. */
function isStillToGo(
  { cluster, app }: Withdrawal,
  origin: IndexedApplication['origin'],
  { retentions, specs }: FollowStatusesDeps,
): boolean {
  if (origin.type !== 'generated') return false;
  const [namespace = '', name = ''] = origin.applicationSet.split('/');
  return retentions.find(app, cluster)?.state === 'released' || !specs.find('ApplicationSet', namespace, name);
}

async function end({ cluster, app }: Withdrawal, deps: FollowStatusesDeps): Promise<void> {
  // a parent's withdrawal ends only when the hub's part of it is done too
  if (cluster === inCluster.name) await deps.dispatch.assign(cluster);
  else await deps.additions.deleteWithdrawal(cluster, app);
}
