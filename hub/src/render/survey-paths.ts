import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { locationOf, locationText, type SourceLocation } from '../source/location.ts';
import type { Snapshot } from '../source/snapshot.ts';
import type { Derived, Discovery, ResolvedRevision } from '../store/derived.ts';
import { findSourceFolder, isReferenceOnly, type KnownFolder, type SourceType } from './discover.ts';
import { overridesIn } from './source-overrides.ts';

type Found = Required<Pick<Discovery, 'types' | 'overrides'>>;

export interface SurveyDeps {
  applications: { bySource(location: SourceLocation): { sources: readonly ApplicationSource[] }[] };
  derived: Pick<Derived, 'discovery' | 'putDiscovery'>;
  /** The kind of source that lies there. */
  discover(source: ApplicationSource, snapshot: Snapshot, folder: KnownFolder): Promise<SourceType>;
}

/** Records what lies at the paths that Applications name at this revision, where that is not what was known. */
export async function lookAt(revision: ResolvedRevision, snapshot: Snapshot, deps: SurveyDeps): Promise<void> {
  const found = await findNews(revision, snapshot, deps);
  if (!found) return;
  const { repoURL, targetRevision, tagPrefix } = revision;
  const prefix = tagPrefix ? { tagPrefix } : {};
  await deps.derived.putDiscovery({ repoURL, targetRevision, ...prefix, ...found });
}

/** Whether a look at this revision would tell nothing new. */
export async function isSurveyed(revision: SourceLocation, snapshot: Snapshot, deps: SurveyDeps): Promise<boolean> {
  return (await findNews(revision, snapshot, deps)) === undefined;
}

async function findNews(revision: SourceLocation, snapshot: Snapshot, deps: SurveyDeps): Promise<Found | undefined> {
  const { repoURL, chart } = revision;
  if (chart) return undefined;
  const place = locationText(revision);
  const paths = new Set(
    deps.applications
      .bySource(revision)
      .flatMap((app) => app.sources)
      .filter((source) => locationText(locationOf(source)) === place && !isReferenceOnly(source))
      .map(({ path = '' }) => path),
  );
  if (paths.size === 0) return undefined;
  const before = deps.derived.discovery(revision);
  const found: Found = { types: {}, overrides: {} };
  for (const path of paths) await lookAtPath({ repoURL, path }, snapshot, { found, before, discover: deps.discover });
  const isKnown = canonicalJson([before?.types, before?.overrides]) === canonicalJson([found.types, found.overrides]);
  return isKnown ? undefined : found;
}

async function lookAtPath(
  source: { repoURL: string; path: string },
  snapshot: Snapshot,
  { found, before, discover }: Pick<SurveyDeps, 'discover'> & { found: Found; before: Discovery | undefined },
): Promise<void> {
  const { path: name } = source;
  // what cannot be found stays what it was: its request keeps the last good outcome, and the render says what is missing
  const known = before?.types[name] ?? 'Directory';
  const folder = await orElse(undefined, () => openFolder(source, snapshot));
  const overriders = folder ? overridesIn(folder.children) : (before?.overrides?.[name] ?? []);
  if (overriders.length > 0) found.overrides[name] = overriders;
  found.types[name] = folder ? await orElse(known, () => discover(source, snapshot, folder)) : known;
}

async function openFolder(source: { repoURL: string; path: string }, snapshot: Snapshot): Promise<KnownFolder> {
  const folder = await findSourceFolder(source, snapshot);
  return { ...folder, children: await snapshot.children(folder.path) };
}

/** What cannot be had now but may later is thrown. */
async function orElse<T>(otherwise: T, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (toFleetError(error).retryable) throw error;
    return otherwise;
  }
}
