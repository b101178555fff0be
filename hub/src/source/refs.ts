import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isConstraint, newestMatch } from './version-constraint.ts';

/** What a repository offers, as an engine reads it. */
export interface RefList {
  /** Commit of HEAD; absent in an empty repository. */
  head?: string;
  /** The branch that HEAD names, as `refs/heads/main`. */
  defaultBranch?: string;
  /** Full name → commit (annotated tags peeled), in the order of the server. */
  refs: ReadonlyMap<string, string>;
}

/** What a repository offers. */
export interface Refs extends RefList {
  /** Commit that a targetRevision stands for; undefined when the repository does not have it. A full sha is itself. */
  resolve(targetRevision: string): string | undefined;
}

/** What to fetch: a ref, or a bare commit. `sha` is what it was when asked. */
export interface Wanted {
  sha: string;
  ref?: string;
}

export function isFullSha(revision: string): boolean {
  return /^[0-9a-f]{40}$/i.test(revision);
}

/**
 * Resolves a targetRevision as Argo CD does: empty or HEAD, a full SHA, a version constraint over the tags (`1.2.*`), then a
 * branch before a tag of the same name, or a full ref. Throws RevisionNotFound, naming the repository and what it offers.
 */
export function resolveRevision(refs: RefList, targetRevision: string, display: string): Wanted {
  const wanted = findRevision(refs, targetRevision);
  if (wanted) return wanted;
  const revision = targetRevision.trim();
  throw new FleetError(
    'RevisionNotFound',
    `revision "${revision || 'HEAD'}" ${whyNotFound(revision)} in repository ${display}`,
    {
      details: { repository: display, revision, offers: [...refs.refs.keys()].slice(0, 20) },
    },
  );
}

/** As resolveRevision, but undefined when nothing is found. */
export function findRevision(refs: RefList, targetRevision: string): Wanted | undefined {
  const revision = targetRevision.trim();
  if (isFullSha(revision)) return bySha(refs, revision.toLowerCase());
  if (revision === '' || revision === 'HEAD') return byHead(refs);
  const tag = newestMatch(tagNames(refs), revision.replace(/^refs\/tags\//, ''));
  const names =
    tag === undefined ? [revision, `refs/heads/${revision}`, `refs/tags/${revision}`] : [`refs/tags/${tag}`];
  for (const ref of names) {
    const sha = ref.startsWith('refs/') ? refs.refs.get(ref) : undefined;
    if (sha !== undefined) return { sha, ref };
  }
  return undefined;
}

/** Argo CD: with a tagPrefix, a version range is matched by the tags that begin with it, without it. */
export function prefixedRevision(
  { refs }: RefList,
  { targetRevision, tagPrefix }: { targetRevision: string; tagPrefix?: string | undefined },
): string {
  if (!tagPrefix) return targetRevision;
  const prefix = `refs/tags/${tagPrefix}`;
  const versions = [...refs.keys()].filter((ref) => ref.startsWith(prefix)).map((ref) => ref.slice(prefix.length));
  const newest = newestMatch(versions, targetRevision);
  return newest === undefined ? targetRevision : `${prefix}${newest}`;
}

function bySha(refs: RefList, sha: string): Wanted {
  for (const [ref, tip] of refs.refs) if (tip === sha) return { sha, ref };
  return { sha };
}

function byHead(refs: RefList): Wanted | undefined {
  const ref = refs.defaultBranch;
  const sha = refs.head ?? (ref === undefined ? undefined : refs.refs.get(ref));
  if (sha === undefined) return undefined;
  return ref !== undefined && refs.refs.get(ref) === sha ? { sha, ref } : bySha(refs, sha);
}

function tagNames(refs: RefList): string[] {
  return [...refs.refs.keys()]
    .filter((ref) => ref.startsWith('refs/tags/'))
    .map((ref) => ref.slice('refs/tags/'.length));
}

function whyNotFound(revision: string): string {
  if (revision === '' || revision === 'HEAD')
    return 'does not exist (empty, or its default branch is missing: push a commit or set targetRevision)';
  if (/^[0-9a-f]{4,39}$/i.test(revision)) return 'is no branch or tag (write a commit with all its 40 digits)';
  if (isConstraint(revision)) return 'is matched by no tag';
  return 'is no branch, tag or commit';
}
