/**
 * What a source of an Application is, as far as people ask: which tool makes its manifests, and which parameters its plugin says it
 * has. Inputs: an Application, and one of its sources, whose options may be others than those in force. It looks at the commit that
 * is known, fetches nothing that nothing reads anyway, and keeps nothing.
 */
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { factsOf } from '../assign/render-request.ts';
import { renderedParts } from '../hydrate/describe-hydration.ts';
import { locationOf, locationText } from '../source/location.ts';
import type { Sources } from '../source/sources.ts';
import type { Derived, ResolvedRevision } from '../store/derived.ts';
import type { Announcement } from './plugins/announcement.ts';
import type { Renderer, SourceType } from './render.ts';

export interface SourceDetails {
  type: SourceType;
  /** Of a plugin: what it says that it can be given. */
  parameters?: Announcement[];
}

export interface SourceDetailsDeps {
  applications: Pick<Applications, 'find'>;
  derived: Pick<Derived, 'revision'>;
  sources: Pick<Sources, 'open' | 'verify'>;
  renderer: Pick<Renderer, 'describe'>;
}

export type DescribeSource = (
  application: { namespace: string; name: string },
  wanted: { source: ApplicationSource; index?: number | undefined },
  signal: AbortSignal,
) => Promise<SourceDetails>;

/** Throws NotFound for what no Application has, NotPermitted for one that may not go anywhere, and as renders do. */
export function createSourceDetails(deps: SourceDetailsDeps): DescribeSource {
  return async ({ namespace, name }, { source, index }, signal) => {
    const id = applicationId(namespace, name);
    const app = deps.applications.find(id);
    if (!app) throw new FleetError('NotFound', `there is no Application ${id}`);
    if (app.problem) throw new FleetError(app.problem.code as ErrorCode, app.problem.message, { retryable: false });
    const { part, at } = placeOf(app, source, index);
    const location = locationOf(source);
    const fetched = fetchedOf(source, deps.derived.revision(location));
    const facts = part.request?.facts ?? factsOf(app.application);
    const policy = facts.integrity?.policies[at];
    if (policy) await deps.sources.verify(location, { sha: fetched.sha, policy }, signal);
    using snapshot = await deps.sources.open(location, fetched, signal);
    return await deps.renderer.describe({ source, snapshot, facts }, signal);
  };
}

/** Throws why its revision was never resolved. */
function fetchedOf(
  { repoURL }: ApplicationSource,
  { sha, digest, problem }: Partial<ResolvedRevision> = {},
): { sha: string; digest?: string } {
  if (sha !== undefined) return { sha, ...(digest ? { digest } : {}) };
  throw new FleetError(
    (problem?.code ?? 'RevisionNotFound') as ErrorCode,
    problem?.message ?? `the revision of ${repoURL} was not resolved yet: try again`,
  );
}

/**
 * Which of its sources is meant, of one with a hydrator also what is rendered to its branch: whoever may see an Application may
 * not have the hub read anything else.
 */
function placeOf(
  app: IndexedApplication,
  source: ApplicationSource,
  index: number | undefined,
): { part: IndexedApplication; at: number } {
  const isMeant = (one: ApplicationSource | undefined) =>
    one !== undefined &&
    locationText(locationOf(one)) === locationText(locationOf(source)) &&
    (one.path ?? '') === (source.path ?? '');
  for (const part of renderedParts(app)) {
    const at = index ?? part.sources.findIndex(isMeant);
    if (isMeant(part.sources[at])) return { part, at };
  }
  throw new FleetError(
    'NotFound',
    `application ${app.id} has no such source${index === undefined ? '' : ` at ${index}`}: ${source.repoURL} ${source.path ?? source.chart ?? ''}`,
  );
}
