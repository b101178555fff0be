import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { type Applications, type IndexedApplication, idOf } from '../assign/applications.ts';
import { inCluster } from '../assign/destination.ts';
import { cascades } from '../assign/withdraw.ts';
import { generate } from '../generate/generate.ts';
import { type GenerateDeps, type JudgeDeps, judge, reuse } from '../generate/generate-stage.ts';
import type { Derived, StoredEvaluation } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecStore } from '../store/specs.ts';
import type { Overlay } from './overlay.ts';
import { keyOf, type SpecChanges } from './spec-changes.ts';

export interface OutlookDeps
  extends JudgeDeps,
    Pick<GenerateDeps, 'clusters' | 'outside' | 'newGitFileGlobbing' | 'memos'> {
  specs: Pick<SpecStore, 'list' | 'find'>;
  derived: Pick<Derived, 'evaluation'>;
  applications: Pick<Applications, 'list' | 'find' | 'describe'>;
}

export interface PreviewProblem {
  /** `Application shop`, `ApplicationSet argocd/shop`. */
  object: string;
  code: string;
  message: string;
}

/** Which Applications there would be. */
export interface Outlook {
  /** Would be there: as they are, changed, or new. By id. */
  after: Map<string, IndexedApplication>;
  /** Are there and would leave. */
  removed: IndexedApplication[];
  held: { applicationSet: string; reason: string; applications: string[] }[];
  problems: PreviewProblem[];
}

/** Evaluates what reads the base of the overlay, and every set that the spec changes touch; the rest stays as it is. */
export async function lookAhead(
  overlay: Overlay,
  changes: SpecChanges,
  { deps, signal }: { deps: OutlookDeps; signal: AbortSignal },
): Promise<Outlook> {
  const after = new Map([...deps.applications.list()].map((app) => [app.id, app]));
  const outlook: Outlook = { after, removed: [], held: [], problems: [] };
  const leave = (id: string) => {
    const app = deps.applications.find(id);
    if (app && after.delete(id)) outlook.removed.push(app);
  };
  applySpecs(changes, { outlook, deps, leave });
  for (const applicationSet of setsToEvaluate(overlay, changes, deps)) {
    const set = `${namespaceOf(applicationSet)}/${nameOf(applicationSet)}`;
    const stored = deps.derived.evaluation(namespaceOf(applicationSet), nameOf(applicationSet));
    const evaluation = await generate({
      applicationSet,
      clusters: deps.clusters(),
      git: {
        snapshot: async (repoURL, targetRevision, aborted) => await overlay.open({ repoURL, targetRevision }, aborted),
      },
      outside: deps.outside(applicationSet, signal),
      newGitFileGlobbing: deps.newGitFileGlobbing,
      signal,
    });
    const object = `ApplicationSet ${set}`;
    if (evaluation.failed) {
      const { code, message } = evaluation.failed;
      outlook.problems.push({ object, code, message });
      continue;
    }
    outlook.problems.push(...evaluation.errors.map(({ code, message }) => ({ object, code, message })));
    const evaluated = { applicationSet, before: stored };
    const { decision } = judge({ ...evaluated, evaluation: reuse(evaluation, evaluated, deps) }, deps);
    for (const application of decision.applications)
      after.set(idOf(application), deps.applications.describe(application, { type: 'generated', applicationSet: set }));
    for (const application of decision.removed) leave(idOf(application));
    if (decision.held && decision.held.fingerprint !== stored?.held?.fingerprint)
      outlook.held.push({ applicationSet: set, ...pick(decision.held) });
  }
  return outlook;
}

function pick({ reason, applications }: NonNullable<StoredEvaluation['held']>) {
  return { reason, applications };
}

interface Applying {
  outlook: Outlook;
  deps: OutlookDeps;
  leave(id: string): void;
}

function applySpecs({ put, removed }: SpecChanges, { outlook, deps, leave }: Applying): void {
  for (const resource of put.values())
    if (resource.kind === 'Application') {
      const application = resource as Application;
      const described = deps.applications.describe(application, { type: 'spec', warnings: [] });
      outlook.after.set(described.id, described);
    }
  for (const id of leavingWith(removed.values(), deps)) leave(id);
}

/** Ids of the Applications that go with these objects: those themselves, what sets generated, and children of children. */
function leavingWith(removed: Iterable<KubeObject>, deps: OutlookDeps): Set<string> {
  const ids = new Set<string>();
  const pending = [...removed];
  for (let resource = pending.pop(); resource; resource = pending.pop())
    for (const application of applicationsOf(resource, deps)) {
      const id = idOf(application);
      if (ids.has(id)) continue;
      ids.add(id);
      // a parent without finalizer leaves its children to themselves
      if (deps.applications.find(id)?.cluster === inCluster.name && cascades(application))
        pending.push(...deps.specs.list().flatMap(({ owner, resource: child }) => (owner === id ? [child] : [])));
    }
  return ids;
}

function applicationsOf(resource: KubeObject, { derived }: OutlookDeps): Application[] {
  if (resource.kind === 'Application') return [resource as Application];
  if (resource.kind !== 'ApplicationSet') return [];
  return derived.evaluation(namespaceOf(resource), nameOf(resource))?.applications ?? [];
}

function setsToEvaluate(overlay: Overlay, { put, removed }: SpecChanges, deps: OutlookDeps): ApplicationSet[] {
  const lasting = deps.specs.list('ApplicationSet').filter(({ deleting }) => !deleting);
  const stored = lasting.map(({ resource }) => resource);
  const kept = stored.filter((resource) => !put.has(keyOf(resource)) && !removed.has(keyOf(resource)));
  const reading = kept.filter((resource) => readsBase(resource, overlay, deps));
  const changed = [...put.values()].filter(({ kind }) => kind === 'ApplicationSet');
  return [...reading, ...changed] as ApplicationSet[];
}

function readsBase(resource: KubeObject, overlay: Overlay, { derived }: OutlookDeps): boolean {
  const reads = derived.evaluation(namespaceOf(resource), nameOf(resource))?.reads.repositories ?? [];
  return reads.some(({ repoURL, revision }) => overlay.replaces({ repoURL, targetRevision: revision }));
}
