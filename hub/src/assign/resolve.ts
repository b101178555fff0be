import { parseDuration } from '@wheelhouse/shared/config/duration';
import type { AssignedApp, AssignedPolicy } from '@wheelhouse/shared/protocol/document';
import type { Application, ApplicationSpec } from '@wheelhouse/shared/resources/application';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { whyKindNotPermitted } from '../project/project.ts';
import type { Derived, Problem, RenderOutcome } from '../store/derived.ts';
import type { IndexedApplication } from './applications.ts';
import { inCluster } from './destination.ts';

/** What an Application comes to: something to assign, or the reason why what was assigned before stays. */
export interface Resolution {
  app?: Omit<AssignedApp, 'traceparent'>;
  /** Digest of the bundle that the hub itself carries out (Application, ApplicationSet and AppProject objects). */
  hubBundle?: string;
  /** Commit of the bundle. */
  revision?: string;
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
  if (indexed.problem || !indexed.request) return { problems: indexed.problem ? [indexed.problem] : [], warnings: [] };
  const outcome = deps.derived.render(indexed.request.key);
  const problems = outcome?.problem ? [outcome.problem] : [];
  const warnings = outcome?.warnings ?? [];
  if (!outcome?.record || !outcome.sha) return { problems, warnings };
  const refused = whyRefused(indexed.application, outcome, deps.project(indexed.application));
  if (refused) return { problems: [refused, ...problems], warnings };
  const own = indexed.cluster === inCluster.name ? outcome.rest : undefined;
  return {
    problems,
    warnings,
    revision: outcome.sha,
    traceparent: outcome.traceparent,
    ...(own ? { hubBundle: outcome.record.digest } : {}),
    ...(own?.empty ? {} : { app: assignedApp(indexed, outcome.sha, own?.digest ?? outcome.record.digest) }),
  };
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
    policy: assignedPolicy(spec),
    wave: Number.parseInt(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? '0', 10) || 0,
  };
}

/** The part of an Application's spec that its spoke acts upon. */
export function assignedPolicy(spec: ApplicationSpec): AssignedPolicy {
  const policy = spec.syncPolicy;
  const automated = policy?.automated;
  const metadata = policy?.managedNamespaceMetadata;
  return {
    ...(automated && automated.enabled !== false
      ? {
          automated: {
            prune: automated.prune ?? false,
            selfHeal: automated.selfHeal ?? false,
            allowEmpty: automated.allowEmpty ?? false,
          },
        }
      : {}),
    syncOptions: policy?.syncOptions ?? [],
    ...(policy?.retry ? { retry: retryOf(policy.retry) } : {}),
    ...(metadata
      ? {
          managedNamespaceMetadata: {
            ...(metadata.labels ? { labels: metadata.labels } : {}),
            ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
          },
        }
      : {}),
    ...(spec.ignoreDifferences?.length
      ? { ignoreDifferences: spec.ignoreDifferences as NonNullable<AssignedPolicy['ignoreDifferences']> }
      : {}),
  };
}

type Retry = NonNullable<NonNullable<ApplicationSpec['syncPolicy']>['retry']>;

/** Argo CD: retry defaults 5 s, factor 2, at most 3 min; a bare number is seconds. */
function retryOf(retry: Retry): NonNullable<AssignedPolicy['retry']> {
  return {
    limit: Number(retry.limit ?? 0),
    backoff: {
      durationMs: durationMs(retry.backoff?.duration, 5_000),
      factor: Number(retry.backoff?.factor ?? 2),
      maxDurationMs: durationMs(retry.backoff?.maxDuration, 180_000),
    },
  };
}

function durationMs(text: string | number | undefined, otherwise: number): number {
  return (text === undefined ? undefined : parseDuration(String(text))) ?? otherwise;
}

function whyRefused(
  application: Application,
  outcome: RenderOutcome,
  project: AppProject | undefined,
): Problem | undefined {
  if (!project) return undefined;
  for (const { group, kind, namespaced, names } of outcome.kinds) {
    for (const name of names) {
      const reason = whyKindNotPermitted(project, { group, kind, name, namespaced });
      if (reason)
        return { code: 'NotPermitted', message: `application ${application.metadata.name}: ${reason.message}` };
    }
  }
  return undefined;
}
