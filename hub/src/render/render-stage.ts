/**
 * Renders what Applications need, once for each distinct request. A job is a render request, or a resolved revision:
 * then it finds out which requests of that revision the new commit touches, by comparing the object ids they read.
 * A failure keeps the last good bundle and records the reason.
 */
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import { isClusterScoped } from '@wheelhouse/shared/kube/kinds';
import { type KubeObject, parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { Applications } from '../assign/applications.ts';
import type { Trigger, WorkQueue } from '../queue/queue.ts';
import type { Snapshot } from '../source/snapshot.ts';
import {
  type Derived,
  type Discovery,
  type RenderOutcome,
  type ResolvedRevision,
  revisionKey,
} from '../store/derived.ts';
import { discoverSourceType, explicitSourceType } from './discover.ts';
import type { Rendered, Renderer, RenderFacts, SourceType } from './render.ts';

export interface RenderDeps {
  logger: Logger;
  renderer: Renderer;
  applications: Pick<Applications, 'byRequest' | 'bySource'>;
  derived: Pick<Derived, 'revision' | 'revisions' | 'discovery' | 'putDiscovery' | 'render' | 'putRender'>;
  blobs: { put(digest: string, bytes: Uint8Array): Promise<void> };
  queue: Pick<WorkQueue, 'enqueue'>;
  /** Opens a commit that was fetched, fetching it again where this replica lacks it. */
  open(revision: ResolvedRevision, signal: AbortSignal): Promise<Snapshot & Disposable>;
  observe?(outcome: { type: string; seconds: number; failed: boolean }): void;
}

const surveyPrefix = 'revision-';

/** Key of the job that finds what a new commit touches. */
export function surveyKey(revision: Pick<ResolvedRevision, 'repoURL' | 'targetRevision'>): string {
  return surveyPrefix + revisionKey(revision.repoURL, revision.targetRevision);
}

export async function runRender(trigger: Trigger, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  if (trigger.key.startsWith(surveyPrefix)) return await survey(trigger, deps, signal);
  const work = findWork(trigger, deps);
  if (!work) return;
  const started = performance.now();
  const observe = (type: string, failed: boolean) =>
    deps.observe?.({ type, seconds: (performance.now() - started) / 1_000, failed });
  try {
    const type = await renderRequest(work, deps, signal);
    if (type) observe(type, false);
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message, retryable } = toFleetError(error, 'RenderFailed');
    observe('unknown', true);
    await keepFailure({ before: work.before, requestKey: trigger.key, problem: { code, message } }, deps);
    if (retryable) throw error;
  }
}

/** What a render request is about, from whichever Application wants it; undefined when none does any more. */
function findWork(trigger: Trigger, deps: RenderDeps): Work | undefined {
  const [app] = deps.applications.byRequest(trigger.key);
  if (!app?.request || !app.source) return undefined;
  const revision = deps.derived.revision(app.source.repoURL, app.source.targetRevision);
  if (!revision) return undefined;
  const before = deps.derived.render(trigger.key);
  return { id: app.id, source: app.source, facts: app.request.facts, revision, before, trigger };
}

interface Work {
  /** One of the Applications that want it, for the span. */
  id: string;
  source: ApplicationSource;
  facts: RenderFacts;
  revision: ResolvedRevision;
  before: RenderOutcome | undefined;
  trigger: Trigger;
}

/** Renders unless what was recorded still holds; returns the kind of source when it did render. */
async function renderRequest(work: Work, deps: RenderDeps, signal: AbortSignal): Promise<string | undefined> {
  const { source, facts, revision, before, trigger } = work;
  const { sha, problem } = revision;
  if (sha === undefined)
    throw new FleetError(
      (problem?.code ?? 'RevisionNotFound') as ErrorCode,
      problem?.message ?? 'the revision was not resolved yet',
      { retryable: false },
    );
  const attributes = { application: work.id, path: source.path ?? '.', revision: sha };
  return await withSpan(
    spans.appRender,
    { traceparent: trigger.traceparent ?? revision.traceparent, attributes },
    async (span) => {
      const snapshot = await deps.open(revision, signal);
      if (before?.record && !before.problem && (await deps.renderer.stillValid(before.record, snapshot)))
        return undefined;
      const rendered = await deps.renderer.render({ source, snapshot, facts }, signal);
      if (rendered.record.requestKey !== trigger.key) {
        // this commit made another kind of source of it: what was rendered answers another request, and a survey finds which
        await deps.queue.enqueue('render', [{ key: surveyKey(revision), traceparent: trigger.traceparent }]);
        return undefined;
      }
      span.setAttribute('digest', rendered.digest);
      await deps.blobs.put(rendered.digest, rendered.bytes);
      await deps.derived.putRender(
        await outcomeOf({ requestKey: trigger.key, sha, rendered, traceparent: activeTraceparent() }, deps),
      );
      return rendered.sourceType;
    },
  );
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

/**
 * What a new commit means for the Applications that read it: which kind of source lies at their paths, and which
 * requests must be rendered, because their recorded inputs differ there or they failed before.
 */
async function survey(trigger: Trigger, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  const revision = deps.derived.revisions().find((one) => surveyKey(one) === trigger.key);
  if (!revision?.sha) return;
  using snapshot = await deps.open(revision, signal);
  await discover(revision, snapshot, deps);
  const keys = new Set(
    deps.applications.bySource(revision.repoURL, revision.targetRevision).flatMap((app) => app.request?.key ?? []),
  );
  const due: string[] = [];
  for (const key of keys) {
    const outcome = deps.derived.render(key);
    if (!outcome?.record || outcome.problem || !(await deps.renderer.stillValid(outcome.record, snapshot)))
      due.push(key);
  }
  await deps.queue.enqueue(
    'render',
    due.map((key) => ({ key, traceparent: trigger.traceparent })),
  );
}

async function discover(revision: ResolvedRevision, snapshot: Snapshot, deps: RenderDeps): Promise<void> {
  const { repoURL, targetRevision } = revision;
  const sources = deps.applications
    .bySource(repoURL, targetRevision)
    .flatMap((app) => (app.source && !explicitSourceType(app.source) ? app.source : []));
  const before = deps.derived.discovery(repoURL, targetRevision);
  const types: Discovery['types'] = {};
  for (const source of sources) {
    const path = source.path ?? '';
    types[path] ??= await typeAt(source, snapshot, before?.types[path] ?? 'Directory');
  }
  if (Object.keys(types).length === 0 || canonicalJson(before?.types ?? {}) === canonicalJson(types)) return;
  await deps.derived.putDiscovery({ repoURL, targetRevision, types });
}

/** A path that is not there stays what it was: its request keeps the last good outcome, and the render says what is missing. */
async function typeAt(source: ApplicationSource, snapshot: Snapshot, otherwise: SourceType): Promise<SourceType> {
  try {
    return await discoverSourceType(source, snapshot);
  } catch (error) {
    if (toFleetError(error).retryable) throw error;
    return otherwise;
  }
}
