/**
 * Renders what Applications need, once for each distinct request. A job is a render request, or a resolved revision:
 * then it finds out which requests of that revision the new commit touches, by comparing the object ids they read.
 * A failure keeps the last good bundle and records the reason.
 */
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import { isClusterScoped } from '@wheelhouse/shared/kube/kinds';
import { type KubeObject, parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import type { Trigger, WorkQueue } from '../queue/queue.ts';
import type { Snapshot } from '../source/source.ts';
import { type Derived, type RenderOutcome, type ResolvedRevision, revisionKey } from '../store/derived.ts';
import type { Rendered, Renderer } from './render.ts';

export interface RenderDeps {
  logger: Logger;
  renderer: Renderer;
  applications: Pick<Applications, 'byRequest' | 'requestsOf'>;
  derived: Pick<Derived, 'revision' | 'revisions' | 'render' | 'putRender'>;
  blobs: { put(digest: string, bytes: Uint8Array): Promise<void> };
  queue: Pick<WorkQueue, 'enqueue'>;
  /** Opens a commit that was fetched, fetching it again where this replica lacks it. */
  open(revision: ResolvedRevision, signal: AbortSignal): Promise<Snapshot>;
  observe?(outcome: { type: string; seconds: number; failed: boolean }): void;
}

const surveyPrefix = 'revision-';

/** Key of the job that finds what a new commit touches. */
export function surveyKey(revision: Pick<ResolvedRevision, 'repoURL' | 'targetRevision'>): string {
  return surveyPrefix + revisionKey(revision.repoURL, revision.targetRevision);
}

export async function runRender(trigger: Trigger, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  if (trigger.key.startsWith(surveyPrefix)) return await survey(trigger, deps, signal);
  const app = deps.applications.byRequest(trigger.key)[0];
  const source = app?.application.spec.source ?? app?.application.spec.sources?.[0];
  if (!app?.request || !source) return;
  const revision = deps.derived.revision(source.repoURL, source.targetRevision ?? '');
  if (!revision) return;
  const before = deps.derived.render(trigger.key);
  if (revision.problem && !revision.sha)
    return await keepFailure({ before, requestKey: trigger.key, problem: revision.problem }, deps);
  await renderRequest({ app, revision, before, trigger }, deps, signal);
}

interface Work {
  app: IndexedApplication;
  revision: ResolvedRevision;
  before: RenderOutcome | undefined;
  trigger: Trigger;
}

async function renderRequest(work: Work, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  const { app, revision, before, trigger } = work;
  const requestKey = trigger.key;
  const source = app.application.spec.source ?? app.application.spec.sources?.[0];
  if (!app.request || !source) return;
  const facts = app.request.facts;
  const started = performance.now();
  const traceparent = trigger.traceparent ?? revision.traceparent;
  try {
    await withSpan(
      spans.appRender,
      { traceparent, attributes: { application: app.id, path: source.path ?? '.', revision: revision.sha ?? '' } },
      async (span) => {
        const snapshot = await deps.open(revision, signal);
        if (before?.record && !before.problem && (await deps.renderer.stillValid(before.record, snapshot))) return;
        const rendered = await deps.renderer.render({ source, snapshot, facts }, signal);
        span.setAttribute('digest', rendered.digest);
        await deps.blobs.put(rendered.digest, rendered.bytes);
        await deps.derived.putRender(
          await outcomeOf({ requestKey, sha: revision.sha ?? '', rendered, traceparent: activeTraceparent() }, deps),
        );
        deps.observe?.({ type: rendered.sourceType, seconds: (performance.now() - started) / 1_000, failed: false });
      },
    );
  } catch (error) {
    if (signal.aborted) throw error;
    const known = toFleetError(error, 'RenderFailed');
    deps.observe?.({ type: 'unknown', seconds: (performance.now() - started) / 1_000, failed: true });
    await keepFailure({ before, requestKey, problem: { code: known.code, message: known.message } }, deps);
    if (known.retryable) throw known;
  }
}

async function keepFailure(
  failure: { before: RenderOutcome | undefined; requestKey: string; problem: NonNullable<RenderOutcome['problem']> },
  deps: RenderDeps,
): Promise<void> {
  const { before, requestKey, problem } = failure;
  if (before?.problem?.message === problem.message) return;
  deps.logger.warn({ requestKey, code: problem.code }, 'render failed');
  await deps.derived.putRender({ requestKey, kinds: [], warnings: [], ...before, problem });
}

interface Fresh {
  requestKey: string;
  sha: string;
  rendered: Rendered;
  traceparent: string | undefined;
}

async function outcomeOf(fresh: Fresh, deps: RenderDeps): Promise<RenderOutcome> {
  const { requestKey, sha, rendered, traceparent } = fresh;
  const rest = rendered.manifests.filter((manifest) => !isHubObject(manifest));
  const split = rest.length < rendered.manifests.length ? await putRest(rest, deps) : undefined;
  return {
    requestKey,
    sha,
    record: rendered.record,
    kinds: kindsOf(rendered.manifests),
    warnings: rendered.warnings,
    ...(split ? { rest: split } : {}),
    ...(traceparent ? { traceparent } : {}),
  };
}

async function putRest(rest: KubeObject[], deps: RenderDeps): Promise<NonNullable<RenderOutcome['rest']>> {
  const bytes = Buffer.from(canonicalJson(rest));
  const digest = digestOf(bytes);
  if (rest.length > 0) await deps.blobs.put(digest, bytes);
  return { digest, empty: rest.length === 0 };
}

/** Objects that live on the hub when their destination is the hub's own address (App of Apps). */
export function isHubObject(object: KubeObject): boolean {
  return (
    parseApiVersion(object.apiVersion).group === 'argoproj.io' &&
    ['Application', 'ApplicationSet', 'AppProject'].includes(object.kind)
  );
}

function kindsOf(manifests: readonly KubeObject[]): RenderOutcome['kinds'] {
  const kinds = new Map<string, RenderOutcome['kinds'][number]>();
  const defined = new Map(
    manifests.filter((manifest) => manifest.kind === 'CustomResourceDefinition').map(definedKind),
  );
  for (const manifest of manifests) {
    const { group } = parseApiVersion(manifest.apiVersion);
    const key = `${group}/${manifest.kind}`;
    const namespaced = !(isClusterScoped(group, manifest.kind) ?? defined.get(key) ?? false);
    const entry = kinds.get(key) ?? kinds.set(key, { group, kind: manifest.kind, namespaced, names: [] }).get(key);
    entry?.names.push(manifest.metadata.name ?? '');
  }
  return [...kinds.values()];
}

function definedKind(manifest: KubeObject): [key: string, clusterScoped: boolean] {
  const spec = manifest['spec'] as { group?: string; names?: { kind?: string }; scope?: string } | undefined;
  return [`${spec?.group}/${spec?.names?.kind}`, spec?.scope === 'Cluster'];
}

/** Which requests of a new commit must be rendered: those whose recorded inputs differ there, and those that failed. */
async function survey(trigger: Trigger, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  const revision = deps.derived.revisions().find((one) => surveyKey(one) === trigger.key);
  if (!revision) return;
  const requests = deps.applications.requestsOf(revision.repoURL, revision.targetRevision);
  const due: string[] = [];
  const snapshot = revision.sha ? await deps.open(revision, signal) : undefined;
  for (const requestKey of requests) {
    const outcome = deps.derived.render(requestKey);
    const valid =
      snapshot && outcome?.record && !outcome.problem && (await deps.renderer.stillValid(outcome.record, snapshot));
    if (!valid) due.push(requestKey);
  }
  await deps.queue.enqueue(
    'render',
    due.map((key) => ({ key, traceparent: trigger.traceparent })),
  );
}
