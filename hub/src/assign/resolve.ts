import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import { isStandby, whyNotStandby } from '@wheelhouse/shared/resources/standby';
import { whyKindNotPermitted } from '../project/project.ts';
import { isSourcePermitted } from '../project/sources.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { Derived, Problem, RenderOutcome } from '../store/derived.ts';
import { readBesides } from '../store/reader-index.ts';
import type { IndexedApplication } from './applications.ts';
import { inCluster } from './destination.ts';
import { assignedPolicy } from './policy.ts';

/** What an Application comes to: something to assign, or the reason why what was assigned before stays. */
export interface Resolution {
  app?: Omit<AssignedApp, 'traceparent'>;
  /** Digest of the bundle that the hub itself carries out (Application, ApplicationSet and AppProject objects). */
  hubBundle?: string;
  /** Commit of the bundle; of several sources all of them, in order, separated by commas. */
  revision?: string;
  /** Argo CD: `Helm`, `Kustomize` or `Directory`, one for each source that gives manifests. */
  sourceTypes?: string[];
  traceparent?: string | undefined;
  /** Everything a person should know, first the reason why nothing new is assigned. */
  problems: Problem[];
  warnings: string[];
}

export interface ResolveDeps {
  derived: Pick<Derived, 'render'>;
  project(application: Application): AppProject | undefined;
}

/** Pure: the same Application, render and project always come to the same. */
export function resolve(indexed: IndexedApplication, deps: ResolveDeps): Resolution {
  if (indexed.problem) return { problems: [indexed.problem], warnings: [] };
  const outcome = indexed.request && deps.derived.render(indexed.request.key);
  if (!outcome) return { problems: [], warnings: [] };
  const refused = whyRefused(indexed.application, outcome, deps.project(indexed.application));
  const problems = [refused, outcome.problem].filter((problem) => problem !== undefined);
  const nothing = { problems, warnings: outcome.warnings };
  if (refused) return nothing;
  const desired = permittedBundle(indexed, assignable(indexed, outcome), problems);
  if (desired.app && indexed.hubOnly) problems.push(notRegistered(indexed));
  return { ...nothing, ...desired };
}

/** The hub has no service accounts to act as; without one, the cluster of a parent would write none of its children either. */
function permittedBundle(
  { actAs, id }: IndexedApplication,
  { hubBundle, ...desired }: Partial<Resolution>,
  problems: Problem[],
): Partial<Resolution> {
  if (hubBundle === undefined) return desired;
  if (!actAs || 'user' in actAs) return { ...desired, hubBundle };
  problems.push({ code: 'NotPermitted', message: `application ${id}: ${actAs.problem}` });
  return desired;
}

function notRegistered({ application, id }: IndexedApplication): Problem {
  const { server, name } = application.spec.destination;
  return {
    code: 'UnknownDestination',
    message: `application ${id} goes to cluster ${name ?? server}, which is not registered: without 'wheelhouse cluster token ${inCluster.name}' only Applications, ApplicationSets and AppProjects can go there`,
  };
}

/** The last good render, split into what the hub carries out itself and what goes to the cluster. */
function assignable(indexed: IndexedApplication, outcome: RenderOutcome): Partial<Resolution> {
  const { record, revisions, traceparent } = outcome;
  if (!record || !revisions) return {};
  const revision = revisions.join(',');
  const rest = indexed.cluster === inCluster.name ? restOf(indexed, outcome) : undefined;
  const app = rest?.empty ? undefined : assignedApp(indexed, revision, rest?.digest ?? record.digest);
  const sourceTypes = record.parts.map(({ sourceType }) => sourceType);
  return { revision, sourceTypes, traceparent, ...(rest ? { hubBundle: record.digest } : {}), ...(app ? { app } : {}) };
}

/** A parent that has no children yet is the hub's too, as long as no cluster could take it. */
function restOf({ hubOnly }: IndexedApplication, { rest, kinds, record }: RenderOutcome): RenderOutcome['rest'] {
  return rest ?? (hubOnly && kinds.length === 0 && record ? { digest: record.digest, empty: true } : undefined);
}

function assignedApp(indexed: IndexedApplication, revision: string, bundle: string): Omit<AssignedApp, 'traceparent'> {
  const { spec, metadata } = indexed.application;
  return {
    app: indexed.id,
    ns: spec.destination.namespace ?? '',
    project: spec.project,
    revision,
    bundle,
    vars: {},
    policy: {
      ...assignedPolicy(spec, indexed),
      ...(isStandby(indexed.application) ? { standby: true } : {}),
      ...(indexed.actAs ? { actAs: indexed.actAs } : {}),
    },
    wave: Number.parseInt(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? '0', 10) || 0,
  };
}

function whyRefused(
  application: Application,
  outcome: RenderOutcome,
  project: AppProject | undefined,
): Problem | undefined {
  const unclear = whyNotStandby(application);
  if (unclear) return { code: 'Invalid', message: unclear };
  if (!project) return undefined;
  const unread = whyReadNotPermitted(application, outcome, project);
  if (unread) return unread;
  for (const { group, kind, namespaced, names } of outcome.kinds) {
    for (const name of names) {
      const reason = whyKindNotPermitted(project, { group, kind, name, namespaced });
      if (reason)
        return { code: 'NotPermitted', message: `application ${application.metadata.name}: ${reason.message}` };
    }
  }
  return undefined;
}

/** A remote base, or a chart that another needs, is read with the hub's credentials, whoever named it. */
export function whyReadNotPermitted(
  { metadata }: Application,
  { record }: Pick<RenderOutcome, 'record'>,
  project: AppProject,
): Problem | undefined {
  const refused = readBesides(record).find(({ repoURL }) => !isSourcePermitted(project.spec, repoURL));
  if (!refused) return undefined;
  return {
    code: 'NotPermitted',
    message: `application ${metadata.name}: its manifests are made with files of ${withoutLogin(refused.repoURL)}, which project ${project.metadata.name} does not permit: add it to sourceRepos`,
  };
}
