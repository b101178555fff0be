import { formatUrl, parseUrl } from '@wheelhouse/shared/url/go-url';

/**
 * Argo CD: a repository URL or pattern in the form in which two of them are compared: lower case, without `.git`,
 * `git@host:path` like `ssh://git@host/path`. Empty when it is no URL.
 */
export function normalizeGitUrl(repoURL: string): string {
  let url = repoURL.trim().toLowerCase();
  if (/^(ssh:\/\/)?[^/:]*?@[^@]+$/.test(url) && !url.startsWith('ssh://')) url = `ssh://${url.replace(':', '/')}`;
  try {
    return formatUrl(parseUrl(url.replace(/\.git$/, ''))).replace(/^ssh:\/\//, '');
  } catch {
    // Argo CD: what cannot be parsed compares as the empty text.
    return '';
  }
}
