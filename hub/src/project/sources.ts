import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AppProjectSpec } from '@wheelhouse/shared/resources/app-project';
import { normalizeGitUrl } from './git-url.ts';

/** Argo CD: a source is permitted when a pattern matches it and no `!` pattern denies it. */
export function isSourcePermitted({ sourceRepos = [] }: AppProjectSpec, repoURL: string): boolean {
  const url = normalizeGitUrl(repoURL);
  let permitted = false;
  for (const pattern of sourceRepos) {
    if (pattern.startsWith('!')) {
      if (matchesGlob(normalizeGitUrl(pattern.slice(1)), url, '/')) return false;
      permitted = true;
    } else permitted ||= pattern === '*' || matchesGlob(normalizeGitUrl(pattern), url, '/');
  }
  return permitted;
}
