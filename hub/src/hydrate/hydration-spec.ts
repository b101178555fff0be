import { createHash } from 'node:crypto';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import { syncSourceOf } from '@wheelhouse/shared/resources/application-sources';
import { resolvePath } from '../render/repository-path.ts';
import type { Problem } from '../store/derived.ts';
import { ownNames } from './folder-files.ts';

/** Where the manifests of an Application are written to. */
export interface HydrationTarget {
  repoURL: string;
  branch: string;
  /** Begins there when the branch does not exist. */
  syncBranch: string;
  /** From the repository's root. */
  path: string;
}

/** Throws PathOutsideRepository. */
export function targetOf(hydrator: SourceHydrator): HydrationTarget {
  const { repoURL, targetRevision = '', path = '' } = syncSourceOf(hydrator);
  return {
    repoURL,
    branch: hydrator.hydrateTo?.targetBranch || targetRevision,
    syncBranch: targetRevision,
    path: resolvePath('', path, 'spec.sourceHydrator.syncSource.path'),
  };
}

/** Names a branch's jobs: whatever is written to one branch is written by one job. */
export function branchKey({ repoURL, branch }: Pick<HydrationTarget, 'repoURL' | 'branch'>): string {
  return hashOf(`${plain(repoURL)}\n${branch}`);
}

/** Names what is written in one commit: what one branch gets from one revision of one repository. */
export function hydrationKey({ drySource, ...hydrator }: SourceHydrator): string {
  const { repoURL, targetRevision } = drySource;
  return hashOf(`${branchKey(targetOf({ drySource, ...hydrator }))}\n${plain(repoURL)}\n${targetRevision}`);
}

function plain(repoURL: string): string {
  return repoURL.replace(/\/$/u, '').replace(/\.git$/u, '');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** Why its manifests can be written nowhere. */
export function whyNotHydratable({ metadata, spec }: Application): Problem | undefined {
  if (!spec.sourceHydrator) return undefined;
  try {
    checkHydrator(spec.sourceHydrator);
    return undefined;
  } catch (error) {
    const { code, message } = toFleetError(error);
    return { code, message: `application ${metadata.name}: ${message}` };
  }
}

function checkHydrator(hydrator: SourceHydrator): void {
  const target = targetOf(hydrator);
  resolvePath('', hydrator.drySource.path, 'spec.sourceHydrator.drySource.path');
  checkPath(target.path);
  for (const [field, branch] of [
    ['syncSource.targetBranch', target.syncBranch],
    ['hydrateTo.targetBranch', target.branch],
  ] as const)
    if (!isBranch(branch)) throw invalid(`${field} ${JSON.stringify(branch)} is not the name of a branch`);
}

/** What hosts and git itself act upon lies below folders such as `.github`. */
function checkPath(path: string): void {
  if (path === '')
    throw invalid('syncSource.path is the root of the repository: give each Application a folder of its own');
  for (const name of path.split('/'))
    if (/^\.git/iu.test(name) || /\p{Cc}/u.test(name) || ownNames.includes(name))
      throw invalid(
        `syncSource.path ${JSON.stringify(path)} holds ${JSON.stringify(name)}: name its folders otherwise`,
      );
}

function invalid(reason: string): FleetError {
  return new FleetError('Invalid', `spec.sourceHydrator.${reason}`);
}

/** Git: check-ref-format, a little stricter. */
function isBranch(name: string): boolean {
  return (
    /^[^\s~^:?*[\\\p{Cc}]+$/u.test(name) &&
    !/^[-/]|\/$|\/\/|\.\.|@\{|\.$|^@$|^HEAD$|^refs\//u.test(name) &&
    !name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'))
  );
}
