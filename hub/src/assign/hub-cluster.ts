/**
 * App of Apps: carries out the Application, ApplicationSet and AppProject objects of Applications whose destination is
 * the hub itself. They are created, changed and pruned by the parent's sync policy like any other resource, and the
 * parent's status is reported as a spoke would. It prunes only what that parent owns.
 */
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { parseJson } from '@wheelhouse/shared/kube/json';
import { type KubeObject, refOf } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import type { AppStatus, OperationState, ResourceStatus } from '@wheelhouse/shared/protocol/status';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { assertProject } from '../project/project.ts';
import { windowStateOf } from '../project/window.ts';
import { isHubObject } from '../render/render-stage.ts';
import { assertRollout } from '../rollout/check.ts';
import type { Additions, Withdrawal } from '../store/additions.ts';
import { nameOf, namespaceOf, type SpecStore, type StoredSpec } from '../store/specs.ts';
import type { Applications, IndexedApplication } from './applications.ts';
import type { Changes } from './change.ts';
import { inCluster } from './destination.ts';
import { assignedPolicy } from './policy.ts';
import type { Resolution } from './resolve.ts';

/** Name under which the hub reports what it carries out itself; no cluster may have it. */
export const hubCluster = 'hub';

export interface HubClusterDeps {
  logger: Logger;
  applications: Pick<Applications, 'byCluster'>;
  specs: Pick<SpecStore, 'list' | 'find'>;
  changes: Pick<Changes, 'put' | 'remove'>;
  additions: Pick<Additions, 'operations' | 'allWithdrawals' | 'deleteWithdrawal'>;
  resolve(app: IndexedApplication): Resolution;
  blobs: { get(digest: string): Promise<Uint8Array> };
  /** Last status that the hub reported of a parent. */
  lastStatus(app: string): AppStatus | undefined;
  report(status: AppStatus): Promise<void>;
  /** Whether the cluster of the hub still has to remove what it runs of a parent: false when there is no such cluster. */
  awaitsSpoke(app: string): boolean;
  now(): Date;
}

const kinds = ['AppProject', 'FleetRollout', 'ApplicationSet', 'Application'] as const;

export async function runHubCluster(deps: HubClusterDeps): Promise<void> {
  for (const parent of deps.applications.byCluster(inCluster.name)) {
    const resolution = deps.resolve(parent);
    if (resolution.hubBundle) await reconcileParent(parent, { bundle: resolution.hubBundle, resolution }, deps);
  }
  await releaseChildren(deps);
}

interface Child {
  resource: KubeObject;
  warnings: string[];
  present: StoredSpec | undefined;
  problem?: string;
}

async function reconcileParent(
  parent: IndexedApplication,
  desired: { bundle: string; resolution: Resolution },
  deps: HubClusterDeps,
): Promise<void> {
  const children = await readChildren(parent, desired.bundle, deps);
  const extra = ownedBy(parent.id, deps).filter(
    (spec) => !children.some((child) => sameObject(child.resource, spec.resource)),
  );
  const last = deps.lastStatus(parent.id);
  const operation = pendingSync(parent.id, last, deps);
  const isNew = last === undefined || !wasCarriedOut(last, desired.bundle);
  const waits = whyItWaits(parent, operation, deps.now());
  const due = waits ? nothing : whatToDo(parent, { operation, isNew, isEmpty: children.length === 0 });
  const startedAt = deps.now().toISOString();
  await carryOut(due, { parent, children, extra }, deps);
  const after = children.map((child) => ({ ...child, present: findStored(child.resource, deps) }));
  const revision = desired.resolution.revision ?? '';
  const status = formatStatus({
    parent,
    bundle: desired.bundle,
    revision,
    children: after,
    extra: due.prune ? [] : extra,
    last,
    waits,
    now: deps.now(),
  });
  if (due.apply)
    status.operation = operationOf(after, {
      id: operation?.id,
      revision,
      startedAt,
      finishedAt: deps.now().toISOString(),
    });
  if (desired.resolution.traceparent) status.traceparent = desired.resolution.traceparent;
  if (!last || comparable(last) !== comparable(status)) await deps.report(status);
}

const nothing = { apply: false, prune: false };

/** Parents keep to their project's sync windows too; the next sweep after one opens carries on. */
function whyItWaits(
  parent: IndexedApplication,
  operation: AssignedOperation | undefined,
  now: Date,
): string | undefined {
  const { whyNotManual, whyNotAutomated } = windowStateOf(parent.windows ?? [], now);
  const reason = operation ? whyNotManual : whyNotAutomated;
  return reason && `sync waits: ${reason}`;
}

function wasCarriedOut({ bundle, operation }: AppStatus, desired: string): boolean {
  return bundle === desired && operation?.phase === 'Succeeded';
}

async function carryOut(
  due: { apply: boolean; prune: boolean },
  { parent, children, extra }: { parent: IndexedApplication; children: Child[]; extra: StoredSpec[] },
  deps: HubClusterDeps,
): Promise<void> {
  if (due.apply) for (const child of children.sort(byKind)) await applyChild(child, parent, deps);
  if (due.prune) for (const spec of extra) await removeChild(spec, parent, deps);
}

async function readChildren(parent: IndexedApplication, bundle: string, deps: HubClusterDeps): Promise<Child[]> {
  const manifests = parseJson(Buffer.from(await deps.blobs.get(bundle)).toString()) as KubeObject[];
  return manifests.filter(isHubObject).map((manifest) => parseChild(manifest, parent, deps));
}

function ownedBy(app: string, deps: Pick<HubClusterDeps, 'specs'>): StoredSpec[] {
  return kinds.flatMap((kind) => deps.specs.list(kind)).filter((spec) => spec.owner === app);
}

function findStored(resource: KubeObject, deps: Pick<HubClusterDeps, 'specs'>): StoredSpec | undefined {
  return deps.specs.find(resource.kind, namespaceOf(resource), nameOf(resource));
}

function pendingSync(app: string, last: AppStatus | undefined, deps: HubClusterDeps): AssignedOperation | undefined {
  const now = deps.now().getTime();
  return deps.additions
    .operations(app)
    .findLast((one) => one.type === 'sync' && one.id !== last?.operation?.id && Date.parse(one.expiresAt) > now);
}

function operationOf(
  children: Child[],
  at: { id: string | undefined; revision: string; startedAt: string; finishedAt: string },
): OperationState {
  const problem = children.find((child) => child.problem)?.problem;
  const { id, ...times } = at;
  return {
    ...(id === undefined ? {} : { id }),
    ...times,
    phase: problem ? 'Failed' : 'Succeeded',
    message: problem ?? 'successfully synced',
    retryCount: 0,
  };
}

function whatToDo(
  parent: IndexedApplication,
  state: { operation: AssignedOperation | undefined; isNew: boolean; isEmpty: boolean },
): { apply: boolean; prune: boolean } {
  const automated = assignedPolicy(parent.application.spec).automated;
  const sync = state.operation?.sync;
  if (sync && !sync.dryRun) return { apply: true, prune: sync.prune };
  if (!automated) return { apply: false, prune: false };
  // Argo CD: allowEmpty
  const mayPrune = automated.prune && (automated.allowEmpty || !state.isEmpty);
  return { apply: state.isNew || automated.selfHeal, prune: mayPrune };
}

function parseChild(manifest: KubeObject, parent: IndexedApplication, deps: HubClusterDeps): Child {
  const placed = {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      namespace: manifest.metadata.namespace ?? (parent.application.spec.destination.namespace || 'argocd'),
    },
  };
  try {
    const { resource, warnings } = parseResource(placed, { unknownFields: 'warn' });
    assertProject(resource);
    assertRollout(resource);
    const present = deps.specs.find(resource.kind, namespaceOf(resource), nameOf(resource));
    const foreign = present?.owner !== undefined && present.owner !== parent.id;
    return {
      resource,
      warnings,
      present,
      ...(foreign ? { problem: `${resource.kind} ${nameOf(resource)} belongs to application ${present.owner}` } : {}),
    };
  } catch (error) {
    return { resource: placed, warnings: [], present: undefined, problem: toFleetError(error, 'Invalid').message };
  }
}

async function applyChild(child: Child, parent: IndexedApplication, deps: HubClusterDeps): Promise<void> {
  if (child.problem) return;
  try {
    await deps.changes.put(child.resource, {
      by: `application ${parent.id}`,
      owner: parent.id,
      warnings: child.warnings,
    });
  } catch (error) {
    child.problem = toFleetError(error).message;
    deps.logger.warn(
      { app: parent.id, kind: child.resource.kind, name: child.resource.metadata.name, err: error },
      'child was not applied',
    );
  }
}

async function removeChild(spec: StoredSpec, parent: IndexedApplication, deps: HubClusterDeps): Promise<void> {
  const { kind } = spec.resource;
  await deps.changes.remove(
    { kind, namespace: namespaceOf(spec.resource), name: nameOf(spec.resource) },
    { by: `application ${parent.id}`, reason: `no longer among the manifests of application ${parent.id}` },
  );
}

/** A parent that is withdrawn takes its children along, or leaves them without an owner. */
async function releaseChildren(deps: HubClusterDeps): Promise<void> {
  for (const withdrawal of parentsGone(deps)) {
    const children = ownedBy(withdrawal.app, deps);
    for (const { resource, yaml, warnings, deleting } of children) {
      const target = { kind: resource.kind, namespace: namespaceOf(resource), name: nameOf(resource) };
      if (withdrawal.cascade)
        await deps.changes.remove(target, {
          by: withdrawal.by,
          reason: `parent application ${withdrawal.app} was deleted`,
        });
      // one that is being deleted takes no change, and goes anyway
      else if (!deleting) await deps.changes.put(resource, { by: withdrawal.by, yaml, warnings });
    }
    // a set that is deleted step by step is still there, and so is its parent
    if (withdrawal.cascade && ownedBy(withdrawal.app, deps).some(({ deleting }) => deleting)) continue;
    const last = deps.lastStatus(withdrawal.app);
    if (last && !last.removed) await deps.report({ ...emptyStatus(withdrawal.app, deps.now()), removed: true });
    if (!deps.awaitsSpoke(withdrawal.app)) await deps.additions.deleteWithdrawal(inCluster.name, withdrawal.app);
  }
}

/** One that is still there, or there again, keeps its children as it keeps what a cluster runs of it. */
function parentsGone({ applications, additions }: HubClusterDeps): Withdrawal[] {
  const present = new Set(applications.byCluster(inCluster.name).map(({ id }) => id));
  return [...additions.allWithdrawals()].filter(({ cluster, app }) => cluster === inCluster.name && !present.has(app));
}

interface StatusInput {
  parent: IndexedApplication;
  bundle: string;
  revision: string;
  children: Child[];
  extra: StoredSpec[];
  last: AppStatus | undefined;
  /** The sync window that it waits for. */
  waits: string | undefined;
  now: Date;
}

function formatStatus(input: StatusInput): AppStatus {
  const { parent, children, extra, last, now } = input;
  const resources = [
    ...children.map((child) =>
      resourceStatus(child.resource, { synced: isSynced(child, parent), message: child.problem }),
    ),
    ...extra.map((spec) => ({
      ...resourceStatus(spec.resource, { synced: false, message: undefined }),
      requiresPruning: true as const,
    })),
  ];
  const bad = resources.find((resource) => resource.message !== undefined);
  return {
    ...emptyStatus(parent.id, now),
    revision: input.revision || (last?.revision ?? ''),
    bundle: input.bundle,
    sync: resources.every((resource) => resource.sync === 'Synced') ? 'Synced' : 'OutOfSync',
    health: children.every((child) => child.present) ? { status: 'Healthy' } : { status: 'Missing' },
    ...(last?.operation ? { operation: last.operation } : {}),
    resources: resources.slice(0, 100),
    total: resources.length,
    ...(bad ? { firstBad: bad } : {}),
    conditions: [
      ...waitConditions(input),
      ...children.flatMap((child) => [
        ...child.warnings.map((message) => ({ type: 'InvalidSpecWarning', message })),
        ...(child.problem ? [{ type: 'SyncError', message: child.problem }] : []),
      ]),
    ],
  };
}

function waitConditions({ waits, parent, children, extra }: StatusInput): AppStatus['conditions'] {
  if (!waits || (extra.length === 0 && children.every((child) => isSynced(child, parent)))) return [];
  return [{ type: 'SyncWindow', message: waits }];
}

function emptyStatus(app: string, now: Date): AppStatus {
  return {
    v: 1,
    app,
    gen: 0,
    seq: now.getTime(),
    revision: '',
    bundle: '',
    sync: 'Synced',
    health: { status: 'Healthy' },
    resources: [],
    total: 0,
    conditions: [],
    observedAt: now.toISOString(),
  };
}

function resourceStatus(resource: KubeObject, state: { synced: boolean; message: string | undefined }): ResourceStatus {
  return {
    ...refOf(resource),
    sync: state.synced ? 'Synced' : 'OutOfSync',
    ...(state.message === undefined ? {} : { message: state.message }),
  };
}

function isSynced(child: Child, parent: IndexedApplication): boolean {
  return (
    !child.problem &&
    child.present?.owner === parent.id &&
    canonicalJson(child.present.resource) === canonicalJson(child.resource)
  );
}

function sameObject(a: KubeObject, b: KubeObject): boolean {
  return a.kind === b.kind && namespaceOf(a) === namespaceOf(b) && a.metadata.name === b.metadata.name;
}

function byKind(a: Child, b: Child): number {
  return kinds.findIndex((kind) => kind === a.resource.kind) - kinds.findIndex((kind) => kind === b.resource.kind);
}

function comparable(status: AppStatus): string {
  const { seq: _, observedAt: __, operation, ...rest } = status;
  return canonicalJson({
    ...rest,
    operation: operation
      ? { id: operation.id ?? '', phase: operation.phase, message: operation.message, revision: operation.revision }
      : {},
  });
}
