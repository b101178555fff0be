import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import { applicationSetController } from '@wheelhouse/shared/protocol/rollout-operation';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { IndexedApplication } from '../assign/applications.ts';
import { assignedPolicy } from '../assign/policy.ts';
import type { GatherDeps, Gathered } from './gather.ts';
import { isActive, type Pin, type RolloutRecord, type RunMember } from './record.ts';
import type { RolloutObject } from './rollouts.ts';

const ttlMs = 60 * 60_000;

export interface SyncContext extends Pick<GatherDeps, 'statuses' | 'operations'> {
  now: Date;
}

/** Syncs that a rollout has to ask for: of Applications that were given a bundle and do not take it by themselves. */
export function dueSyncs(
  { object, record, gathered }: { object: RolloutObject; record: RolloutRecord; gathered: Gathered },
  context: SyncContext,
): AssignedOperation[] {
  const { run } = record;
  if (!isActive(run)) return [];
  const apps = new Map(gathered.apps.map((app) => [app.id, app]));
  const by = object.kind === 'RollingSync' ? applicationSetController : record.key;
  return Object.values(run.members).flatMap((member) =>
    Object.keys(member.apps).flatMap((id) => {
      const app = apps.get(id);
      const pin = record.pins[id]?.now;
      if (!app || !pin || !isMoving(member) || syncsItself(app.application, object)) return [];
      const asked = `${record.key}-${run.number}-${Date.parse(member.since)}`;
      return dueSync({ app, pin, asked, by }, context) ?? [];
    }),
  );
}

function isMoving({ state }: RunMember): boolean {
  return state === 'Updating' || state === 'Returning';
}

function syncsItself(application: Application, { kind }: RolloutObject): boolean {
  return kind === 'FleetRollout' && assignedPolicy(application.spec).automated !== undefined;
}

interface Due {
  app: IndexedApplication;
  pin: Pin;
  /** Id of the sync that this member's turn calls for. */
  asked: string;
  by: string;
}

function dueSync({ app, pin, asked, by }: Due, context: SyncContext): AssignedOperation | undefined {
  const status = context.statuses.find(app.cluster ?? '', app.id)?.status;
  if (status?.bundle === pin.bundle && status.sync === 'Synced') return undefined;
  // the request may have reached the cluster before the bundle did: then it is asked again
  const id = wasSpent(status, asked, pin) ? `${asked}-again` : asked;
  if (context.operations(app.id).some((operation) => operation.id === id)) return undefined;
  const expiresAt = new Date(context.now.getTime() + ttlMs).toISOString();
  return { id, app: app.id, type: 'sync', by, expiresAt, sync: syncOf(app.application) };
}

/** Argo CD: with the Application's own options, and pruning where its automated sync would. */
function syncOf({ spec: { syncPolicy = {} } }: Application): NonNullable<AssignedOperation['sync']> {
  const { automated, syncOptions = [] } = syncPolicy;
  return { prune: automated?.prune ?? false, dryRun: false, force: false, syncOptions };
}

function wasSpent(status: AppStatus | undefined, asked: string, pin: Pin): boolean {
  const { operation } = status ?? {};
  return status?.bundle === pin.bundle && operation?.id === asked && operation.revision !== pin.revision;
}
