import { z } from 'zod';
import type { HostAccess, HostPullRequest } from '../host.ts';
import { linkedPages } from '../http/pages.ts';
import { type GitlabAccess, gitlabClient } from './client.ts';

const mergeRequest = z.object({
  iid: z.number(),
  title: z.string(),
  source_branch: z.string(),
  target_branch: z.string(),
  sha: z.string().nullish(),
  labels: z.array(z.string()).nullish(),
  author: z.object({ username: z.string() }).nullish(),
});

export interface GitlabPullRequests extends GitlabAccess {
  /** Number, or path as `group/name`. */
  project: string;
  labels?: string[];
  /** As GitLab names it; all states without. */
  pullRequestState?: string;
}

/** Merge requests that have all of the labels. */
export async function gitlabPullRequests(options: GitlabPullRequests, access: HostAccess): Promise<HostPullRequest[]> {
  const client = gitlabClient(options, access);
  const labels = options.labels ?? [];
  const query = {
    per_page: 100,
    state: options.pullRequestState || undefined,
    labels: labels.length > 0 ? labels.join(',') : undefined,
  };
  const path = `/projects/${encodeURIComponent(options.project)}/merge_requests`;
  const found = await linkedPages(client, path, { item: mergeRequest, query });
  return found.map((one) => ({
    number: one.iid,
    title: one.title,
    branch: one.source_branch,
    targetBranch: one.target_branch,
    headSha: one.sha ?? '',
    labels: one.labels ?? [],
    author: one.author?.username ?? '',
  }));
}
