/**
 * Every change that a person or a parent Application makes to what is desired. Whatever leaves a cluster by it gets its
 * withdrawal written first; nothing else may delete a spec. Each has its line in the audit, with names only: what is written may
 * hold credentials.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Application } from '@wheelhouse/shared/resources/application';
import { isDeletedInOrder } from '../generate/deletion-order.ts';
import type { Additions, Withdrawal } from '../store/additions.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { Derived } from '../store/derived.ts';
import { beingDeleted, nameOf, namespaceOf, type PutOptions, type SpecStore, type StoredSpec } from '../store/specs.ts';
import type { Verdicts } from '../store/verdicts.ts';
import { type Applications, idOf } from './applications.ts';
import { type Destinations, findDestination } from './destination.ts';
import { withdrawalsOf } from './withdraw.ts';

export interface ChangeDeps {
  specs: SpecStore;
  derived: Pick<Derived, 'evaluation' | 'deleteEvaluation'>;
  verdicts: Pick<Verdicts, 'forget'>;
  additions: Pick<Additions, 'withdrawals' | 'putWithdrawals' | 'deleteWithdrawal' | 'deleteOperations'>;
  applications: Pick<Applications, 'find'>;
  destinations: Destinations;
  /** Generation of a cluster's newest document; 0 when there is none. */
  generation(cluster: string): number;
  /** Whether a cluster is known by a Secret only: its agent has not enrolled. */
  isAnnounced?(cluster: string): boolean;
  audit(entry: AuditEntry): void;
  now(): Date;
}

export interface RemoveOptions {
  by: string;
  reason: string;
  /** Overrides the finalizers: true takes the resources along, false leaves them running. */
  cascade?: boolean;
  /** Do not wait for the steps of a set that is deleted in an order. */
  allAtOnce?: boolean;
}

export interface Target {
  kind: string;
  namespace: string;
  name: string;
}

export interface Changes {
  put(
    resource: KubeObject,
    options: PutOptions,
  ): Promise<{ spec: StoredSpec; outcome: 'created' | 'configured' | 'unchanged' }>;
  /**
   * Throws NotFound, Conflict. One that was broken off is completed when it is asked for again. A generated Application
   * cannot be removed by itself: its set would bring it back. A set with `deletionOrder: Reverse` is only marked: the generate
   * stage withdraws its steps one after the other, and asking again changes nothing.
   */
  remove(target: Target, options: RemoveOptions): Promise<void>;
  /** Withdraws a step (from 0, absent: what is in none) of a set that is marked, and forgets what was asked of its Applications. */
  withdrawStep(
    target: Target,
    step: { index?: number; applications: readonly Application[] },
    options: RemoveOptions,
  ): Promise<void>;
  /** What is left of a removal in steps: as `remove` does it where there are none. */
  complete(target: Target, options: RemoveOptions): Promise<void>;
  /**
   * Completes the removal of a set whose spec is gone already, when everything that it owns is withdrawn with it: nobody asks
   * for that again where the hub was killed. That a spec is absent says nothing by itself.
   */
  forgetRemoved(target: Target): Promise<void>;
  /** Records that these Applications leave the clusters that they are on. */
  withdraw(applications: readonly Application[], options: RemoveOptions): Promise<void>;
  /** Forgets withdrawals of Applications that are desired again. */
  restore(applications: readonly Application[]): Promise<void>;
}

export function createChanges(deps: ChangeDeps): Changes {
  const withdraw = async (applications: readonly Application[], options: RemoveOptions) =>
    await deps.additions.putWithdrawals(
      withdrawalsOf(applications, {
        ...options,
        at: deps.now(),
        destinations: deps.destinations,
        generation: deps.generation,
        isAnnounced: deps.isAnnounced,
        applicationSetOf: (app) => setOf(app, deps),
      }),
    );
  const restore = async (applications: readonly Application[]) => {
    for (const application of applications) {
      const { cluster } = findDestination(application, deps.destinations);
      if (cluster !== undefined) await deps.additions.deleteWithdrawal(cluster, idOf(application));
    }
  };
  const writing = { deps, withdraw, restore };
  return {
    put: async (resource, options) => await putResource(resource, options, writing),
    remove: async (target, options) => {
      if (!(await isMarked(target, options, deps))) await complete(target, options, writing);
    },
    withdrawStep: async (target, { index, applications }, options) => {
      await withdraw(applications, options);
      for (const application of applications) await deps.additions.deleteOperations(idOf(application));
      const { by, reason } = options;
      const step = index === undefined ? {} : { step: index + 1 };
      const details = { reason, ...step, withdrawn: applications.length };
      deps.audit({ by, ...describe('withdraw from', target), details });
    },
    complete: async (target, options) => await complete(target, options, writing),
    forgetRemoved: async (target) => await forgetRemoved(target, deps),
    withdraw,
    restore,
  };
}

interface Writing extends Pick<Changes, 'withdraw' | 'restore'> {
  deps: ChangeDeps;
}

async function putResource(resource: KubeObject, options: PutOptions, writing: Writing): ReturnType<Changes['put']> {
  const { by, owner } = options;
  const { deps } = writing;
  const before = deps.specs.find(resource.kind, namespaceOf(resource), nameOf(resource));
  if (before?.deleting) throw beingDeleted(before);
  const spec =
    resource.kind === 'Application'
      ? await putApplication(resource as Application, options, { ...writing, before })
      : await deps.specs.put(resource, options);
  if (spec.revision === before?.revision) return { spec, outcome: 'unchanged' };
  const details = { revision: spec.revision, ...(owner === undefined ? {} : { owner }) };
  const { kind } = resource;
  const target = { kind, namespace: namespaceOf(resource), name: nameOf(resource) };
  deps.audit({ by, ...describe(before ? 'update' : 'create', target), details });
  return { spec, outcome: before === undefined ? 'created' : 'configured' };
}

/** Withdrawn where it was before it is written, and restored where it is only after that: a hub may be killed in between. */
async function putApplication(
  application: Application,
  options: PutOptions,
  { deps, withdraw, restore, before }: Writing & { before: StoredSpec | undefined },
): Promise<StoredSpec> {
  refuseGenerated(application, deps);
  if (before) await leaveOldCluster(before.resource as Application, application, { deps, withdraw, by: options.by });
  const spec = await deps.specs.put(application, options);
  await restore([application]);
  return spec;
}

async function complete(target: Target, options: RemoveOptions, { deps, withdraw }: Writing): Promise<void> {
  const { kind, namespace, name } = target;
  const spec = deps.specs.find(kind, namespace, name);
  if (!spec && !isHalfRemoved(target, deps)) throw missing(target, deps);
  const leaving = leavingWith(target, deps);
  await withdraw(leaving, options);
  if (spec) await deps.specs.delete(kind, namespace, name, spec.revision);
  await forgetDerived(target, leaving, deps);
  const { by, reason, cascade } = options;
  const details = {
    reason,
    ...(spec ? { revision: spec.revision } : {}),
    ...(leaving.length > 0 ? { withdrawn: leaving.length } : {}),
    ...(cascade === undefined ? {} : { cascade }),
  };
  deps.audit({ by, ...describe('delete', target), details });
}

/**
 * Argo CD: `deletionOrder: Reverse`. True when the deletion goes on step by step from here: it is marked, as it was or is now.
 * One that is marked is left to whoever takes its steps, even when the rest is to go at once.
 */
async function isMarked({ kind, namespace, name }: Target, options: RemoveOptions, deps: ChangeDeps): Promise<boolean> {
  const spec = deps.specs.find(kind, namespace, name);
  if (!spec) return false;
  const { by, reason, cascade, allAtOnce = false } = options;
  const target = { kind, namespace, name };
  if (spec.deleting) {
    if (!allAtOnce || spec.deleting.allAtOnce) return true;
    await deps.specs.markDeleting(spec, { ...spec.deleting, allAtOnce });
    deps.audit({ by, ...describe('delete without order', target), details: { reason } });
    return true;
  }
  if (allAtOnce || !isDeletedInOrder(spec.resource)) return false;
  const at = deps.now().toISOString();
  await deps.specs.markDeleting(spec, { by, reason, at, ...(cascade === undefined ? {} : { cascade }) });
  deps.audit({ by, ...describe('delete in order', target), details: { reason, revision: spec.revision } });
  return true;
}

async function forgetRemoved(target: Target, deps: ChangeDeps): Promise<void> {
  const { kind, namespace, name } = target;
  if (deps.specs.find(kind, namespace, name) || !isHalfRemoved(target, deps)) return;
  const set = `${namespace}/${name}`;
  const leaving = generatedBy(set, deps);
  const withdrawalOf = (application: Application): 'written' | 'missing' | 'not needed' => {
    const { cluster } = findDestination(application, deps.destinations);
    if (cluster === undefined || deps.isAnnounced?.(cluster)) return 'not needed';
    const isIt = ({ app, applicationSet }: Withdrawal) => app === idOf(application) && applicationSet === set;
    return deps.additions.withdrawals(cluster).some(isIt) ? 'written' : 'missing';
  };
  const found = new Set(leaving.map(withdrawalOf));
  if (found.has('written') && !found.has('missing')) await forgetDerived(target, leaving, deps);
}

/** What was kept of something that is deleted; the evaluation last, as it is what says that there is something to forget. */
async function forgetDerived(
  { kind, namespace, name }: Target,
  leaving: readonly Application[],
  { derived, verdicts, additions }: ChangeDeps,
): Promise<void> {
  for (const application of leaving) await additions.deleteOperations(idOf(application));
  if (kind !== 'ApplicationSet') return;
  await verdicts.forget(namespace, name);
  await derived.deleteEvaluation(namespace, name);
}

/** `delete applicationset`, `argocd/fleet`. */
function describe(verb: string, { kind, namespace, name }: Target): Pick<AuditEntry, 'action' | 'object'> {
  return { action: `${verb} ${kind.toLowerCase()}`, object: `${namespace}/${name}` };
}

/** The Applications that nothing asks for any more once this is deleted. */
function leavingWith({ kind, namespace, name }: Target, deps: ChangeDeps): Application[] {
  const resource = deps.specs.find(kind, namespace, name)?.resource;
  if (kind === 'ApplicationSet') return generatedBy(`${namespace}/${name}`, deps);
  return resource?.kind === 'Application' ? [resource as Application] : [];
}

/** A set whose deletion was broken off: what it generated is still asked for, and only its evaluation says so. */
function isHalfRemoved({ kind, namespace, name }: Target, { derived }: Pick<ChangeDeps, 'derived'>): boolean {
  return kind === 'ApplicationSet' && derived.evaluation(namespace, name) !== undefined;
}

/** What a set owns: it may also claim names of Applications that are another's. */
function generatedBy(applicationSet: string, { derived, applications }: ChangeDeps): Application[] {
  const [namespace = '', name = ''] = applicationSet.split('/');
  return (derived.evaluation(namespace, name)?.applications ?? []).filter(
    (application) => setOf(idOf(application), { applications }) === applicationSet,
  );
}

function setOf(app: string, { applications }: Pick<ChangeDeps, 'applications'>): string | undefined {
  const origin = applications.find(app)?.origin;
  return origin?.type === 'generated' ? origin.applicationSet : undefined;
}

function refuseGenerated(application: Application, deps: ChangeDeps): void {
  const present = deps.applications.find(idOf(application));
  if (present?.origin.type !== 'generated') return;
  throw new FleetError(
    'DuplicateApplication',
    `application ${idOf(application)} is generated by ApplicationSet ${present.origin.applicationSet}: change the set, or choose another name`,
  );
}

function missing(target: Target, deps: ChangeDeps): FleetError {
  const { kind, namespace, name } = target;
  const generated =
    kind === 'Application' ? deps.applications.find(namespace === 'argocd' ? name : `${namespace}_${name}`) : undefined;
  if (generated?.origin.type !== 'generated')
    return new FleetError('NotFound', `there is no ${kind} ${namespace}/${name}`);
  return new FleetError(
    'Conflict',
    `application ${name} is generated by ApplicationSet ${generated.origin.applicationSet}, which would bring it back: change or delete the set`,
  );
}

interface Leaving {
  deps: ChangeDeps;
  withdraw(applications: readonly Application[], options: RemoveOptions): Promise<void>;
  by: string;
}

async function leaveOldCluster(before: Application, after: Application, leaving: Leaving): Promise<void> {
  const [from, to] = [before, after].map(
    (application) => findDestination(application, leaving.deps.destinations).cluster,
  );
  if (from === undefined || to === undefined || from === to) return;
  await leaving.withdraw([before], { by: leaving.by, reason: `moved to cluster ${to}` });
}
