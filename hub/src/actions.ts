/** What a person may ask of the hub, each carried out by writing a record that the stages act upon. */
import { randomUUID } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { applicationId, type AssignedOperation } from '@wheelhouse/shared/protocol/document';
import type { Actions, ObjectKey, ResourceDiff } from './api/deps.ts';
import type { Applications, IndexedApplication } from './assign/applications.ts';
import type { Changes } from './assign/change.ts';
import { hubCluster } from './assign/hub-cluster.ts';
import type { Resolution } from './assign/resolve.ts';
import type { Dispatch } from './queue/dispatch.ts';
import type { Additions } from './store/additions.ts';
import type { Derived } from './store/derived.ts';
import type { Statuses } from './status/statuses.ts';
import type { Releases } from './store/releases.ts';

export interface ActionsDeps {
  applications: Pick<Applications, 'find'>;
  additions: Additions;
  changes: Changes;
  derived: Pick<Derived, 'evaluation'>;
  dispatch: Pick<Dispatch, 'source' | 'generate' | 'assign'>;
  releases: Releases;
  statuses: Pick<Statuses, 'find'>;
  resolve(app: IndexedApplication): Resolution;
  /** Asks the spoke of a cluster; throws ClusterUnavailable when it does not answer. */
  diff(cluster: string, app: string, signal: AbortSignal): Promise<ResourceDiff[]>;
  audit(entry: { action: string; object: string; by: string; detail?: unknown }): void;
  now(): Date;
}

/** An operation that no spoke has begun within this time is not begun any more. */
const operationTtlMs = 60 * 60_000;

export function createActions(deps: ActionsDeps): Actions {
  const get = (key: ObjectKey): IndexedApplication => {
    const app = deps.applications.find(applicationId(key.namespace, key.name));
    if (!app) throw new FleetError('NotFound', `there is no Application ${key.namespace}/${key.name}`);
    return app;
  };
  const ask = async (app: IndexedApplication, operation: Pick<AssignedOperation, 'type' | 'sync'>, by: string) => {
    if (app.cluster === undefined)
      throw new FleetError('UnknownDestination', app.problem?.message ?? `application ${app.id} has no cluster`);
    const now = deps.now();
    const id = randomUUID();
    await deps.additions.addOperation(
      { id, app: app.id, expiresAt: new Date(now.getTime() + operationTtlMs).toISOString(), by, ...operation },
      now,
    );
    deps.audit({ action: operation.type, object: `application ${app.id}`, by, detail: operation.sync });
    return { id };
  };
  return {
    sync: async (key, options, by) => {
      const app = get(key);
      const resolution = deps.resolve(app);
      if (!resolution.app && !resolution.hubBundle)
        throw new FleetError(
          'Invalid',
          resolution.problems[0]?.message ?? `application ${app.id} was not rendered yet: try again in a moment`,
        );
      return await ask(app, { type: 'sync', sync: options }, by);
    },
    terminate: async (key, by) => {
      const app = get(key);
      if (deps.statuses.find(app.cluster ?? '', app.id)?.status.operation?.phase !== 'Running')
        throw new FleetError('Invalid', `application ${app.id} has no running operation`);
      await ask(app, { type: 'terminate' }, by);
    },
    refresh: async (key, { hard }, by) => {
      const app = get(key);
      const source = app.application.spec.source ?? app.application.spec.sources?.[0];
      if (source) await deps.dispatch.source(source.repoURL);
      if (app.origin.type === 'generated' && hard) {
        const [namespace = '', name = ''] = app.origin.applicationSet.split('/');
        await deps.dispatch.generate(namespace, name);
      }
      if (hard && app.cluster !== undefined) await ask(app, { type: 'refresh' }, by);
    },
    diff: async (key, signal) => {
      const app = get(key);
      const resolution = deps.resolve(app);
      if (resolution.hubBundle && !resolution.app)
        throw new FleetError(
          'Unsupported',
          `application ${app.id} holds objects of the hub only: compare them with 'wheelhouse app get'`,
        );
      if (!resolution.app || app.cluster === undefined || app.cluster === hubCluster)
        throw new FleetError(
          'Invalid',
          resolution.problems[0]?.message ?? `application ${app.id} is not assigned to a cluster yet`,
        );
      return await deps.diff(app.cluster, app.id, signal);
    },
    deleteApplication: async (key, { cascade, by }) => {
      deps.audit({ action: 'delete', object: `application ${key.namespace}/${key.name}`, by, detail: { cascade } });
      await deps.changes.remove({ kind: 'Application', ...key }, { by, reason: `deleted by ${by}`, cascade });
    },
    releaseHold: async ({ namespace, name }, by) => {
      const held = deps.derived.evaluation(namespace, name)?.held;
      if (!held) throw new FleetError('Invalid', `ApplicationSet ${namespace}/${name} holds no removals`);
      await deps.releases.put(namespace, name, held.fingerprint);
      deps.audit({
        action: 'release',
        object: `applicationset ${namespace}/${name}`,
        by,
        detail: { applications: held.applications.slice(0, 100), count: held.applications.length },
      });
      await deps.dispatch.generate(namespace, name);
    },
  };
}
