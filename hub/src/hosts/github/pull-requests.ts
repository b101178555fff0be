import { z } from 'zod';
import type { HostAccess, HostPullRequest } from '../host.ts';
import { linkedPages } from '../http/pages.ts';
import { type GithubAccess, githubClient } from './client.ts';

const pullRequest = z.object({
  number: z.number(),
  title: z.string(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
  labels: z.array(z.object({ name: z.string() })),
  user: z.object({ login: z.string() }).nullish(),
});

export interface GithubPullRequests extends GithubAccess {
  owner: string;
  repo: string;
  labels?: string[];
}

/** Open pull requests that have all of the labels. */
export async function githubPullRequests(options: GithubPullRequests, access: HostAccess): Promise<HostPullRequest[]> {
  const client = githubClient(options, access);
  const path = `/repos/${encodeURIComponent(options.owner)}/${encodeURIComponent(options.repo)}/pulls`;
  const found = await linkedPages(client, path, { item: pullRequest, query: { per_page: 100 } });
  const wanted = options.labels ?? [];
  return found
    .map(({ number, title, head, base, labels, user }) => ({
      number,
      title,
      branch: head.ref,
      targetBranch: base.ref,
      headSha: head.sha,
      labels: labels.map(({ name }) => name),
      author: user?.login ?? '',
    }))
    .filter(({ labels }) => wanted.every((label) => labels.includes(label)));
}
