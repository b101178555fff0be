import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { normalizeGitUrl } from '../project/git-url.ts';
import { locationText, type SourceLocation } from '../source/location.ts';
import { openOnce } from '../source/open-once.ts';
import type { Snapshot } from '../source/source.ts';
import type { Sources } from '../source/sources.ts';
import type { Derived, ResolvedRevision } from '../store/derived.ts';

export interface PreviewRequest {
  repoURL: string;
  /** Branch, tag or commit that is to be merged. */
  revision: string;
  /** What it is to be merged into; default: the repository's default branch. */
  base?: string | undefined;
}

export interface OverlayDeps {
  sources: Sources;
  derived: Pick<Derived, 'revision' | 'revisions'>;
}

/** The sources as they are, but for one repository's base, in whose place the revision is read. */
export interface Overlay extends Disposable {
  /** Commits of the revision, and of what it is compared with. */
  sha: string;
  baseSha: string;
  /** Whether the revision is read in the place of this. */
  replaces(location: SourceLocation): boolean;
  open(location: SourceLocation, signal: AbortSignal): Promise<Snapshot>;
}

/** Throws NotFound when nothing reads the repository's base, and what fetching throws. */
export async function openOverlay(request: PreviewRequest, deps: OverlayDeps, signal: AbortSignal): Promise<Overlay> {
  const known = deps.derived.revisions().filter((one) => !one.chart && isSameRepository(one.repoURL, request.repoURL));
  const [first] = known;
  if (!first)
    throw new FleetError(
      'NotFound',
      `no Application and no ApplicationSet reads ${request.repoURL}: give the URL as they write it, see 'wheelhouse repo list'`,
    );
  const { repoURL } = first;
  const base = { repoURL, targetRevision: request.base ?? '' };
  const [{ sha }, { sha: baseSha }] = await Promise.all([
    deps.sources.fetch({ repoURL, targetRevision: request.revision }, signal),
    deps.sources.fetch(base, signal),
  ]);
  const replaced = new Set(known.filter((one) => isBase(one, base, baseSha)).map(locationText));
  if (replaced.size === 0)
    throw new FleetError(
      'NotFound',
      `nothing reads ${request.base ?? 'the default branch'} of ${repoURL}; these are read: ${known.map(nameOf).join(', ')}; choose one with --base`,
    );
  return createOverlay({ sha, baseSha, replaced }, deps);
}

function isBase(known: ResolvedRevision, base: SourceLocation, baseSha: string): boolean {
  return known.targetRevision === base.targetRevision || known.sha === baseSha;
}

function nameOf({ targetRevision }: ResolvedRevision): string {
  return targetRevision === '' ? 'the default branch' : targetRevision;
}

function isSameRepository(one: string, other: string): boolean {
  return one === other || (normalizeGitUrl(one) !== '' && normalizeGitUrl(one) === normalizeGitUrl(other));
}

function createOverlay(
  { sha, baseSha, replaced }: { sha: string; baseSha: string; replaced: ReadonlySet<string> },
  deps: OverlayDeps,
): Overlay {
  const replaces = (location: SourceLocation) => replaced.has(locationText(location));
  const opened = openOnce(async (location, signal) => {
    if (replaces(location)) return await deps.sources.open(location, { sha }, signal);
    const known = deps.derived.revision(location);
    const fetched = known?.sha ? { ...known, sha: known.sha } : await deps.sources.fetch(location, signal);
    return await deps.sources.open(location, fetched, signal);
  });
  return {
    sha,
    baseSha,
    replaces,
    ...opened,
  };
}
