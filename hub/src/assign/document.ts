import { formatJson } from '@wheelhouse/shared/kube/json';
import type {
  AssignedApp,
  AssignedOperation,
  AssignmentDocument,
  Tombstone,
} from '@wheelhouse/shared/protocol/document';
import type { OrphanPolicy } from '@wheelhouse/shared/protocol/orphans';
import type { Registration } from '@wheelhouse/shared/protocol/registration';
import { isRepetitive } from '@wheelhouse/shared/protocol/repeated-rules';
import { orphanPolicyOf } from '../project/orphans.ts';
import type { Additions, Withdrawal } from '../store/additions.ts';
import type { Applications, IndexedApplication } from './applications.ts';
import type { Resolution } from './resolve.ts';

/** A document before it has a generation and a signature. */
export interface Draft {
  apps: AssignedApp[];
  ops: AssignedOperation[];
  tombstones: Tombstone[];
  registration?: Registration;
  /** By project: what is to be looked for in the namespaces of its Applications. */
  orphans?: Record<string, OrphanPolicy>;
  /** Applications whose entry differs from the one before. */
  changed: AssignedApp[];
  /** Applications that are assigned, but that nothing explains any more: kept, and shown as adopted. */
  unexplained: AssignedApp[];
}

export interface DraftDeps {
  applications: Pick<Applications, 'byCluster' | 'accountAt'>;
  additions: Pick<Additions, 'withdrawals' | 'operations'>;
  /** Whether a plan keeps an Application on a cluster although it is desired elsewhere by now. */
  retains(app: string, cluster: string): boolean;
  resolve(app: IndexedApplication): Resolution;
  /** Set while the cluster is being removed: its last assignment is to let go of everything. */
  leaving?(cluster: string): { cascade: boolean; by: string } | undefined;
  /** What the document says of the cluster itself; undefined for one that is not known. */
  registration(cluster: string): Registration | undefined;
  /** False while there is no `argocd-cm`: that nothing is said of impersonation gives nobody more rights than he had. */
  saysAccounts(): boolean;
  now(): Date;
}

/**
 * What a cluster should run. An Application that cannot be resolved now keeps the entry it had; one that is no longer
 * desired leaves only when a withdrawal says so.
 */
export function draftDocument(cluster: string, previous: AssignmentDocument | undefined, deps: DraftDeps): Draft {
  const draft = draftFarewell(cluster, previous, deps) ?? draftAssignment(cluster, previous, deps);
  const registration = deps.registration(cluster);
  return registration ? { ...draft, registration } : draft;
}

function draftAssignment(cluster: string, previous: AssignmentDocument | undefined, deps: DraftDeps): Draft {
  const before = new Map((previous?.apps ?? []).map((app) => [app.app, app]));
  const desired = deps.applications.byCluster(cluster);
  const apps: AssignedApp[] = [];
  const changed: AssignedApp[] = [];
  for (const indexed of desired) {
    const was = before.get(indexed.id);
    const entry = entryOf(indexed, was, deps);
    if (entry) apps.push(entry.app);
    if (entry?.isChanged) changed.push(entry.app);
    before.delete(indexed.id);
  }
  const assigned = new Set(apps.map((app) => app.app));
  const tombstones = deps.additions
    .withdrawals(cluster)
    .filter((withdrawal) => !assigned.has(withdrawal.app))
    .map((withdrawal) => tombstoneOf(withdrawal, deps));
  for (const { app } of tombstones) before.delete(app);
  return {
    apps: [...apps, ...before.values()].sort((a, b) => (a.app < b.app ? -1 : 1)),
    ops: operationsOf(desired, deps),
    ...orphanPolicies(desired),
    tombstones: tombstones.sort((a, b) => (a.app < b.app ? -1 : 1)),
    changed,
    unexplained: [...before.values()].filter(({ app }) => !deps.retains(app, cluster)),
  };
}

/** An account that can be found now is better than that of the last assignment: what it may do may have been mended since. */
function tombstoneOf(
  { app, reason, cascade, application, cluster }: Withdrawal,
  { applications }: DraftDeps,
): Tombstone {
  const account = cascade ? applications.accountAt(application, cluster) : undefined;
  return { app, reason, cascade, ...(account && 'user' in account ? { actAs: account } : {}) };
}

/** An Application's entry, which is the one that it had where nothing differs; undefined where there is none yet. */
function entryOf(
  indexed: IndexedApplication,
  was: AssignedApp | undefined,
  deps: DraftDeps,
): { app: AssignedApp; isChanged: boolean } | undefined {
  const { app: resolved, traceparent } = deps.resolve(indexed);
  const actAs = indexed.actAs ?? (deps.saysAccounts() ? undefined : was?.policy.actAs);
  if (!resolved) return was && { app: writtenAs(was, actAs), isChanged: false };
  const app = writtenAs(resolved, actAs);
  if (was && sameApp(was, app)) return { app: was, isChanged: false };
  return { app: { ...app, ...(traceparent ? { traceparent } : {}) }, isChanged: true };
}

/** Whatever keeps an Application from being resolved, it is written as nobody but whom its project names now. */
function writtenAs<T extends Pick<AssignedApp, 'policy'>>(app: T, actAs: AssignedApp['policy']['actAs']): T {
  const { actAs: before, ...policy } = app.policy;
  if (formatJson(before ?? null) === formatJson(actAs ?? null)) return app;
  return { ...app, policy: { ...policy, ...(actAs ? { actAs } : {}) } };
}

/** Of version 1 is only what every agent can honour, and of version 3 only what its agent says that it reads. A tombstone may be of what the document before had written as somebody. */
export function documentVersion(
  { apps, tombstones }: Pick<Draft, 'apps' | 'tombstones'>,
  previous: Pick<AssignmentDocument, 'v'> | undefined,
  reads = 0,
): AssignmentDocument['v'] {
  if (reads >= 3 && isRepetitive(apps)) return 3;
  // one of version 3 may have had somebody too
  const isBuried = tombstones.length > 0 && previous !== undefined && previous.v >= 2;
  const isNamed = tombstones.some(({ actAs }) => actAs !== undefined);
  return isBuried || isNamed || apps.some(({ policy }) => policy.actAs !== undefined) ? 2 : 1;
}

/** Of the projects that ask for it, in order of their names: what every cluster else costs is nothing. */
function orphanPolicies(desired: readonly IndexedApplication[]): Pick<Draft, 'orphans'> {
  const policies = new Map<string, OrphanPolicy>();
  for (const { project, application } of desired) {
    const policy = project && !policies.has(application.spec.project) ? orphanPolicyOf(project) : undefined;
    if (policy) policies.set(application.spec.project, policy);
  }
  if (policies.size === 0) return {};
  return { orphans: Object.fromEntries([...policies].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function operationsOf(desired: readonly IndexedApplication[], deps: DraftDeps): AssignedOperation[] {
  const now = deps.now().getTime();
  const operations = desired.flatMap((app) => deps.additions.operations(app.id));
  return operations.filter(({ expiresAt }) => Date.parse(expiresAt) > now);
}

/** For a cluster that is removed: a tombstone for everything that it was assigned, each as the person who removes it said. */
function draftFarewell(cluster: string, previous: AssignmentDocument | undefined, deps: DraftDeps): Draft | undefined {
  const leaving = deps.leaving?.(cluster);
  if (!leaving) return undefined;
  const assigned = [...(previous?.apps ?? []), ...(previous?.tombstones ?? []), ...deps.additions.withdrawals(cluster)];
  const reason = `the cluster is removed by ${leaving.by}`;
  const names = [...new Set(assigned.map(({ app }) => app))].sort();
  const tombstones = names.map((app) => ({ app, reason, cascade: leaving.cascade }));
  return { apps: [], ops: [], tombstones, changed: [], unexplained: [] };
}

/** Whether publishing the draft would tell the spoke nothing: entries that did not change are those of the document itself. */
export function isPublished(draft: Draft, document: AssignmentDocument): boolean {
  return (
    draft.apps.length === document.apps.length &&
    draft.apps.every((app, index) => app === document.apps[index]) &&
    besidesApps(draft) === besidesApps(document)
  );
}

type BesidesApps = Pick<Draft, 'ops' | 'tombstones' | 'registration' | 'orphans'>;

function besidesApps({ ops, tombstones, registration, orphans }: BesidesApps): string {
  return formatJson([ops, tombstones, registration ?? null, orphans ?? null]);
}

function sameApp(was: AssignedApp, app: Omit<AssignedApp, 'traceparent'>): boolean {
  if (was.bundle !== app.bundle || was.ns !== app.ns || was.project !== app.project || was.wave !== app.wave)
    return false;
  return formatJson([was.policy, was.vars]) === formatJson([app.policy, app.vars]);
}
