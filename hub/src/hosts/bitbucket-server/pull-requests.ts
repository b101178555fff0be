import { z } from 'zod';
import type { HostAccess, HostPullRequest } from '../host.ts';
import { bodyPages } from '../http/pages.ts';
import { type BitbucketServerAccess, bitbucketServerClient, nextPage } from './client.ts';

const pullRequest = z.object({
  id: z.number(),
  title: z.string(),
  fromRef: z.object({ displayId: z.string(), latestCommit: z.string() }),
  toRef: z.object({ displayId: z.string() }),
  author: z.object({ user: z.object({ name: z.string() }) }).nullish(),
});

export interface BitbucketServerPullRequests extends BitbucketServerAccess {
  project: string;
  repo: string;
}

/** Open pull requests of a repository. Argo CD reads no labels of it. */
export async function bitbucketServerPullRequests(
  options: BitbucketServerPullRequests,
  access: HostAccess,
): Promise<HostPullRequest[]> {
  const client = bitbucketServerClient(options, access);
  const path = `/projects/${encodeURIComponent(options.project)}/repos/${encodeURIComponent(options.repo)}/pull-requests`;
  const query = { limit: 100, state: 'OPEN' };
  const found = await bodyPages(client, path, { item: pullRequest, query, next: nextPage });
  return found.map(({ id, title, fromRef, toRef, author }) => ({
    number: id,
    title,
    branch: fromRef.displayId,
    targetBranch: toRef.displayId,
    headSha: fromRef.latestCommit,
    labels: [],
    author: author?.user.name ?? '',
  }));
}
