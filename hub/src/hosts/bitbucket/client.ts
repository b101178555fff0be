import type { HostAccess } from '../host.ts';
import type { HostClient, Target } from '../http/http.ts';

export function bitbucketClient(
  { api, ...credential }: { api?: string } & Pick<Target, 'authorization' | 'identity'>,
  access: HostAccess,
): HostClient {
  return access.http.open({ api: api || 'https://api.bitbucket.org/2.0', ...credential }, access.signal);
}

/** Bitbucket Cloud names the next page by its URL. */
export function nextPage(page: Record<string, unknown>): { path: string } | undefined {
  return typeof page['next'] === 'string' ? { path: page['next'] } : undefined;
}
