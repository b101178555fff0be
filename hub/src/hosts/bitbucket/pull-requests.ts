import { z } from 'zod';
import { type EitherCredential, eitherCredential } from '../credentials.ts';
import type { HostAccess, HostPullRequest } from '../host.ts';
import { bodyPages } from '../http/pages.ts';
import { bitbucketClient, nextPage } from './client.ts';

const end = z.object({ branch: z.object({ name: z.string() }) });
const pullRequest = z.object({
  id: z.number(),
  title: z.string(),
  source: end.extend({ commit: z.object({ hash: z.string() }).nullish() }),
  destination: end,
  author: z.object({ nickname: z.string().nullish() }).nullish(),
});

export interface BitbucketPullRequests extends EitherCredential {
  owner: string;
  repo: string;
  api?: string;
}

/** Open pull requests of a Bitbucket Cloud repository. It has no labels. */
export async function bitbucketPullRequests(
  options: BitbucketPullRequests,
  access: HostAccess,
): Promise<HostPullRequest[]> {
  const { api } = options;
  const client = bitbucketClient({ ...(api ? { api } : {}), ...eitherCredential(options, access) }, access);
  const path = `/repositories/${encodeURIComponent(options.owner)}/${encodeURIComponent(options.repo)}/pullrequests`;
  const query = { pagelen: 50, state: 'OPEN' };
  const found = await bodyPages(client, path, { item: pullRequest, query, next: nextPage });
  return found.map(({ id, title, source, destination, author }) => ({
    number: id,
    title,
    branch: source.branch.name,
    targetBranch: destination.branch.name,
    headSha: source.commit?.hash ?? '',
    labels: [],
    author: author?.nickname ?? '',
  }));
}
