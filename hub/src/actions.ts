/** What a person may ask of the hub, each carried out by writing a record that the stages act upon. */
import { randomUUID } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type AssignedOperation, applicationId } from '@wheelhouse/shared/protocol/document';
import type { Actions, ObjectKey, ResourceDiff } from './api/deps.ts';
import type { Applications, IndexedApplication } from './assign/applications.ts';
import type { Changes } from './assign/change.ts';
import type { Resolution } from './assign/resolve.ts';
import { createHoldActions } from './generate/hold-actions.ts';
import { type Hydration, renderedParts } from './hydrate/describe-hydration.ts';
import type { HydrationStore } from './hydrate/hydration-store.ts';
import { windowStateOf } from './project/window.ts';
import type { Dispatch } from './queue/dispatch.ts';
import type { Statuses } from './status/statuses.ts';
import type { Additions } from './store/additions.ts';
import type { AuditEntry } from './store/audit.ts';
import type { Derived } from './store/derived.ts';
import { readBesides } from './store/reader-index.ts';
import type { Verdicts } from './store/verdicts.ts';

export interface ActionsDeps {
  applications: Pick<Applications, 'find'>;
  additions: Additions;
  changes: Changes;
  derived: Pick<Derived, 'evaluation' | 'render'>;
  hydrations: Pick<HydrationStore, 'request'>;
  dispatch: Pick<Dispatch, 'source' | 'generate' | 'assign' | 'hydrate'>;
  verdicts: Verdicts;
  statuses: Pick<Statuses, 'find'>;
  resolve(app: IndexedApplication): Resolution;
  /** Asks the spoke of a cluster; throws ClusterUnavailable when it does not answer. */
  diff(cluster: string, app: string, signal: AbortSignal): Promise<unknown>;
  audit(entry: AuditEntry): void;
  now(): Date;
}

/** An operation that no spoke has begun within this time is not begun any more. */
const operationTtlMs = 60 * 60_000;

export function createActions(deps: ActionsDeps): Actions {
  return {
    sync: async (key, options, by) => {
      const app = getApplication(key, deps);
      const resolution = deps.resolve(app);
      if (!resolution.app && !resolution.hubBundle) throw notAssigned(app, resolution);
      const { whyNotManual } = windowStateOf(app.windows ?? [], deps.now());
      if (whyNotManual && !options.dryRun)
        throw new FleetError(
          'NotPermitted',
          `cannot sync application ${app.id}: ${whyNotManual}; see 'wheelhouse app windows ${app.id}'`,
        );
      return await ask(app, { type: 'sync', sync: options, by }, deps);
    },
    terminate: async (key, by) => {
      const app = getApplication(key, deps);
      const operation = deps.statuses.find(app.cluster ?? '', app.id)?.status.operation;
      if (operation?.phase !== 'Running')
        throw new FleetError('Invalid', `application ${app.id} has no running operation`);
      await ask(app, { type: 'terminate', by }, deps);
    },
    windows: (key) => windowStateOf(getApplication(key, deps).windows ?? [], deps.now()),
    refresh: async (key, { hard }, by) => {
      const app = getApplication(key, deps);
      for (const url of repositoriesRead(app, deps)) await deps.dispatch.source(url);
      if (app.hydration) await hydrateAgain(app.hydration, { hard }, deps);
      if (!hard) return;
      if (app.origin.type === 'generated') await deps.dispatch.generate(...splitKey(app.origin.applicationSet));
      if (app.cluster !== undefined) await ask(app, { type: 'refresh', by }, deps);
    },
    diff: async (key, signal) => await diff(getApplication(key, deps), deps, signal),
    deleteApplication: async (key, { cascade, by }) => {
      await deps.changes.remove({ kind: 'Application', ...key }, { by, reason: `deleted by ${by}`, cascade });
    },
    ...createHoldActions(deps),
  };
}

function repositoriesRead(app: IndexedApplication, { derived }: Pick<ActionsDeps, 'derived'>): Set<string> {
  const read = renderedParts(app).flatMap(({ sources, request }) => [
    ...sources,
    ...readBesides(request && derived.render(request.key)?.record),
  ]);
  return new Set(read.map(({ repoURL }) => repoURL));
}

/** Argo CD: a hard refresh compares everything with the branch, a normal one only what is new. */
async function hydrateAgain({ branchKey }: Hydration, { hard }: { hard: boolean }, deps: ActionsDeps): Promise<void> {
  if (hard) await deps.hydrations.request({ branchKey, at: deps.now().toISOString() });
  await deps.dispatch.hydrate(branchKey);
}

function getApplication(key: ObjectKey, deps: Pick<ActionsDeps, 'applications'>): IndexedApplication {
  const app = deps.applications.find(applicationId(key.namespace, key.name));
  if (!app) throw new FleetError('NotFound', `there is no Application ${key.namespace}/${key.name}`);
  return app;
}

type Asked = Pick<AssignedOperation, 'type' | 'sync' | 'by'>;

/** Writes an operation that the Application's spoke finds in its next document. */
async function ask(app: IndexedApplication, asked: Asked, deps: ActionsDeps): Promise<{ id: string }> {
  if (app.cluster === undefined)
    throw new FleetError('UnknownDestination', app.problem?.message ?? `application ${app.id} has no cluster`);
  const now = deps.now();
  const id = randomUUID();
  const expiresAt = new Date(now.getTime() + operationTtlMs).toISOString();
  await deps.additions.addOperation({ id, app: app.id, expiresAt, ...asked }, now);
  const details = asked.sync ? { details: { ...asked.sync } } : {};
  deps.audit({ action: `${asked.type} application`, object: app.id, by: asked.by, ...details });
  return { id };
}

async function diff(app: IndexedApplication, deps: ActionsDeps, signal: AbortSignal): Promise<ResourceDiff[]> {
  const resolution = deps.resolve(app);
  if (resolution.hubBundle && !resolution.app)
    throw new FleetError(
      'Unsupported',
      `application ${app.id} holds objects of the hub only: see 'wheelhouse app get ${app.id}'`,
    );
  if (!resolution.app || app.cluster === undefined) throw notAssigned(app, resolution);
  return (await deps.diff(app.cluster, app.id, signal)) as ResourceDiff[];
}

function notAssigned(app: IndexedApplication, { problems }: Resolution): FleetError {
  const reason = problems[0]?.message ?? `application ${app.id} was not rendered yet: try again in a moment`;
  return new FleetError('Invalid', reason);
}

function splitKey(key: string): [namespace: string, name: string] {
  const [namespace = '', name = ''] = key.split('/');
  return [namespace, name];
}
