import type { Pin } from './record.ts';

/** What is known of one Application of a rollout. */
export interface AppFacts {
  id: string;
  /** What Git gives; absent while nothing was rendered, or nothing may be assigned. */
  newest?: Pin;
  /** What its cluster's document holds: read for an Application that the rollout has no pin of. */
  assigned?: Pin;
  status?: AppCondition;
  /** A person asked for a sync since the run began. */
  asked?: boolean;
  /** W3C trace context of the commit that led to `newest`. */
  traceparent?: string;
}

/** The part of a spoke's report that a rollout judges. */
export interface AppCondition {
  bundle: string;
  sync: string;
  health: string;
  message?: string;
  operation?: { phase: string; revision: string; message: string };
}

/** What is updated together: a cluster with its Applications (FleetRollout), or one Application (RollingSync). */
export interface MemberFacts {
  id: string;
  /** Of the cluster, or of the Application. */
  labels: Readonly<Record<string, string>>;
  /** Its cluster was heard of within 90 s, by NATS' clock. */
  online: boolean;
  apps: AppFacts[];
}

/** How an Application stands to the bundle that it was given. */
export type Standing =
  | { is: 'healthy' }
  | { is: 'failed'; why: string }
  /** `unreported`: nothing was heard of the new bundle. */
  | { is: 'progressing'; why: string; unreported?: true };

export function standingOf(app: AppFacts | undefined, pin: Pin): Standing {
  const status = app?.status;
  if (!app || status?.bundle !== pin.bundle)
    return {
      is: 'progressing',
      why: `${app?.id ?? 'an application'} has not reported ${shortRevision(pin)} yet`,
      unreported: true,
    };
  const failure = whyFailed(app.id, status, pin);
  if (failure !== undefined) return { is: 'failed', why: failure };
  if (isHealthy(status)) return { is: 'healthy' };
  return { is: 'progressing', why: `${app.id} is ${status.sync} and ${status.health}${detailOf(status)}` };
}

function whyFailed(id: string, status: AppCondition, pin: Pin): string | undefined {
  const { operation, health } = status;
  if (operation?.revision === pin.revision && ['Failed', 'Error'].includes(operation.phase))
    return `the sync of ${id} failed: ${operation.message}`;
  return health === 'Degraded' ? `${id} is Degraded${detailOf(status)}` : undefined;
}

function isHealthy({ sync, health, operation }: AppCondition): boolean {
  return sync === 'Synced' && health === 'Healthy' && operation?.phase !== 'Running';
}

function detailOf({ message }: AppCondition): string {
  return message ? `: ${message}` : '';
}

/** The worst of several. */
export function worstOf(standings: readonly Standing[]): Standing {
  return (
    standings.find(({ is }) => is === 'failed') ?? standings.find(({ is }) => is === 'progressing') ?? { is: 'healthy' }
  );
}

export function shortRevision({ revision }: Pick<Pin, 'revision'>): string {
  return /^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 7) : revision;
}
