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
import { locationOf, type SourceLocation } from '../source/location.ts';
import { openOnce } from '../source/open-once.ts';
import { requestsReading } from '../source/readers.ts';
import type { Sources } from '../source/sources.ts';
import type { AuditEntry } from '../store/audit.ts';
import { type Derived, type RenderOutcome, type ResolvedRevision, revisionKey } from '../store/derived.ts';
import { openPermitted } from './permitted.ts';
import type { Rendered, Renderer, RenderFacts, RenderRequest } from './render.ts';
import type { OpenLocation } from './request.ts';
import { isSurveyed, lookAt, type SurveyDeps } from './survey-paths.ts';

export interface RenderDeps extends Pick<Sources, 'open' | 'verify'> {
  logger: Logger;
  renderer: Renderer;
  applications: Pick<Applications, 'byRequest' | 'bySource'>;
  derived: Pick<
    Derived,
    'revision' | 'revisions' | 'discovery' | 'putDiscovery' | 'render' | 'putRender' | 'readersOf'
  >;
  blobs: { put(digest: string, bytes: Uint8Array): Promise<void> };
  queue: Pick<WorkQueue, 'enqueue'>;
  /** Resolves a location that nobody asked for before, and records what it stands for. */
  resolve(location: SourceLocation, signal: AbortSignal): Promise<void>;
  audit(entry: AuditEntry): Promise<void>;
  observe?(outcome: { type: string; seconds: number; failed: boolean }): void;
}

const surveyPrefix = 'revision-';

/** Key of the job that finds what a new commit touches. */
export function surveyKey(location: SourceLocation): string {
  return surveyPrefix + revisionKey(location);
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
  if (!app?.request) return undefined;
  const revisions = app.sources.map((source) => deps.derived.revision(locationOf(source)));
  if (revisions.includes(undefined)) return undefined;
  const known = revisions.filter((revision) => revision !== undefined);
  const before = deps.derived.render(trigger.key);
  return { id: app.id, sources: app.sources, facts: app.request.facts, revisions: known, before, trigger };
}

interface Work {
  /** One of the Applications that want it, for the span. */
  id: string;
  sources: readonly ApplicationSource[];
  facts: RenderFacts;
  /** One for each source. */
  revisions: ResolvedRevision[];
  before: RenderOutcome | undefined;
  trigger: Trigger;
}

/** Renders unless what was recorded still holds; returns the kind of source when it did render. */
async function renderRequest(work: Work, deps: RenderDeps, signal: AbortSignal): Promise<string | undefined> {
  const { sources, facts, revisions, before, trigger } = work;
  const shas = revisions.map(shaOf);
  const attributes = {
    application: work.id,
    path: sources.map(({ path, chart }) => chart ?? path ?? '.').join(','),
    revision: shas.join(','),
  };
  const traceparent = trigger.traceparent ?? revisions.find((revision) => revision.traceparent)?.traceparent;
  return await withSpan(spans.appRender, { traceparent, attributes }, async (span) => {
    // not disposed: another job may have joined this render and go on when this one is stopped
    const opened = openLocations(deps);
    const open = openPermitted(opened.open, sources, () => deps.applications.byRequest(trigger.key));
    if (before?.record && !before.problem && (await deps.renderer.stillValid(before.record, open, signal)))
      return undefined;
    const request: RenderRequest = {
      sources: await Promise.all(
        sources.map(async (source) => ({ source, snapshot: await open(locationOf(source), signal) })),
      ),
      facts,
      open,
    };
    await verifySources(request, deps, signal);
    const rendered = await deps.renderer.render(request, signal);
    if (rendered.record.requestKey !== trigger.key) {
      await surveyAgain(request, trigger, withDiscovery(deps, signal));
      return undefined;
    }
    span.setAttribute('digest', rendered.digest);
    await tellOfSecrets(work, rendered, deps);
    await deps.blobs.put(rendered.digest, rendered.bytes);
    const revisionsRead = request.sources.map(({ snapshot }) => snapshot.sha);
    await deps.derived.putRender(
      await outcomeOf(
        { requestKey: trigger.key, revisions: revisionsRead, rendered, traceparent: activeTraceparent() },
        deps,
      ),
    );
    return rendered.sourceTypes.join('+');
  });
}

/** Secrets that a project lets through are told of before they are stored, whenever the bundle is another one. */
async function tellOfSecrets(
  { id, facts, before, revisions }: Work,
  { rawSecrets, digest }: Rendered,
  { audit }: Pick<RenderDeps, 'audit'>,
): Promise<void> {
  if (rawSecrets.length === 0 || before?.record?.digest === digest) return;
  const details = { secrets: rawSecrets.slice(0, 100), revisions: revisions.map(shaOf) };
  await audit({ by: `project ${facts.project}`, action: 'take raw secrets from git', object: id, details });
}

/**
 * This commit made other kinds of sources of them: what was rendered answers another request, and surveys find which. Where they were
 * surveyed at what was rendered, the same would come out for ever: that is a fault of ours, and said.
 */
async function surveyAgain(
  { sources }: RenderRequest,
  trigger: Trigger,
  deps: SurveyDeps & Pick<RenderDeps, 'queue'>,
): Promise<void> {
  const surveyed = await Promise.all(
    sources.map(async ({ source, snapshot }) => await isSurveyed(locationOf(source), snapshot, deps)),
  );
  if (surveyed.every(Boolean))
    throw new FleetError(
      'Internal',
      'what was rendered answers another request than the one asked for, though its paths were surveyed: report this with the Application',
      { retryable: false },
    );
  const surveys = new Set(sources.map(({ source }) => surveyKey(locationOf(source))));
  await deps.queue.enqueue(
    'render',
    [...surveys].map((key) => ({ key, traceparent: trigger.traceparent })),
  );
}

function withDiscovery<T extends RenderDeps>(deps: T, signal: AbortSignal): T & SurveyDeps {
  return {
    ...deps,
    discover: async (source, snapshot, folder) => await deps.renderer.discover(source, snapshot, { folder, signal }),
  };
}

/** Nothing is rendered of what is not signed as its project wants it: what was rendered before stays. */
async function verifySources({ sources, facts }: RenderRequest, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  for (const [index, policy] of (facts.integrity?.policies ?? []).entries()) {
    const read = sources[index];
    if (policy && read) await deps.verify(locationOf(read.source), { sha: read.snapshot.sha, policy }, signal);
  }
}

/** Throws why a revision was never resolved. */
function shaOf({ sha, problem }: ResolvedRevision): string {
  if (sha !== undefined) return sha;
  throw new FleetError(
    (problem?.code ?? 'RevisionNotFound') as ErrorCode,
    problem?.message ?? 'the revision was not resolved yet',
    { retryable: false },
  );
}

/** Opens each location once, at the revision that is recorded for it; all are closed on dispose. */
export function openLocations(
  deps: Pick<RenderDeps, 'open' | 'resolve'> & { derived: Pick<Derived, 'revision'> },
): Disposable & Pick<RenderRequest, 'open'> {
  return openOnce(async (location, signal) => {
    if (!deps.derived.revision(location)) await deps.resolve(location, signal);
    const revision = deps.derived.revision(location);
    const sha = shaOf(revision ?? location);
    return await deps.open(location, { sha, ...(revision?.digest ? { digest: revision.digest } : {}) }, signal);
  });
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
  revisions: string[];
  rendered: Rendered;
  traceparent: string | undefined;
}

async function outcomeOf(fresh: Fresh, deps: RenderDeps): Promise<RenderOutcome> {
  const { requestKey, revisions, rendered, traceparent } = fresh;
  const rest = rendered.manifests.filter((manifest) => !isHubObject(manifest));
  const split = rest.length < rendered.manifests.length ? await putRest(rest, deps) : undefined;
  return {
    requestKey,
    revisions,
    record: rendered.record,
    kinds: kindsOf(rendered.manifests),
    warnings: rendered.warnings,
    ...(rendered.rawSecrets.length > 0 ? { holdsSecrets: true } : {}),
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

const hubKinds = new Set([
  'argoproj.io/Application',
  'argoproj.io/ApplicationSet',
  'argoproj.io/AppProject',
  'wheelhouse.dev/FleetRollout',
]);

/** Objects that live on the hub when their destination is the hub's own address (App of Apps). */
export function isHubObject(object: KubeObject): boolean {
  return hubKinds.has(`${parseApiVersion(object.apiVersion).group}/${object.kind}`);
}

/** What a bundle holds, for the permits of projects. */
export function kindsOf(manifests: readonly KubeObject[]): RenderOutcome['kinds'] {
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
 * What a new commit means for what reads it: which kinds of sources lie at the paths of Applications, and which requests must be
 * rendered, because their recorded inputs differ there or they failed before.
 */
async function survey(trigger: Trigger, deps: RenderDeps, signal: AbortSignal): Promise<void> {
  const revision = deps.derived.revisions().find((one) => surveyKey(one) === trigger.key);
  if (!revision?.sha) return;
  const reading = requestsReading(revision, deps);
  if (deps.applications.bySource(revision).length === 0 && reading.length === 0) return;
  using opened = openLocations(deps);
  await lookAt(revision, await opened.open(revision, signal), withDiscovery(deps, signal));
  const named = deps.applications.bySource(revision).flatMap((app) => app.request?.key ?? []);
  const due: string[] = [];
  for (const key of new Set([...named, ...reading])) {
    const outcome = deps.derived.render(key);
    if (
      !outcome?.record ||
      outcome.problem ||
      !(await deps.renderer.stillValid(outcome.record, openFor(key, opened.open, deps), signal).catch(() => false))
    )
      due.push(key);
  }
  await deps.queue.enqueue(
    'render',
    due.map((key) => ({ key, traceparent: trigger.traceparent })),
  );
}

/** What those that want a request may have opened for it. */
function openFor(key: string, open: OpenLocation, { applications }: RenderDeps): OpenLocation {
  const asking = applications.byRequest(key);
  return openPermitted(open, asking[0]?.sources ?? [], () => asking);
}
