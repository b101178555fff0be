import { z } from 'zod';
import type { HostAccess, HostPullRequest } from '../host.ts';
import { refuseEndless } from '../http/pages.ts';
import { type AzureDevOpsAccess, apiVersion, azureDevOpsClient, shortBranch } from './client.ts';

const pullRequest = z.object({
  pullRequestId: z.number(),
  title: z.string().nullish(),
  sourceRefName: z.string(),
  targetRefName: z.string(),
  lastMergeSourceCommit: z.object({ commitId: z.string() }).nullish(),
  labels: z.array(z.object({ name: z.string() })).nullish(),
  createdBy: z.object({ uniqueName: z.string() }).nullish(),
});

export interface AzureDevOpsPullRequests extends AzureDevOpsAccess {
  project: string;
  repo: string;
  labels?: string[];
}

const pageSize = 100;

/** Active pull requests of a repository that have all of the labels. */
export async function azureDevOpsPullRequests(
  options: AzureDevOpsPullRequests,
  access: HostAccess,
): Promise<HostPullRequest[]> {
  const client = azureDevOpsClient(options, access);
  const path = `/${encodeURIComponent(options.project)}/_apis/git/repositories/${encodeURIComponent(options.repo)}/pullrequests`;
  const schema = z.object({ value: z.array(pullRequest) });
  const found: z.infer<typeof pullRequest>[] = [];
  for (let skip = 0; ; skip += pageSize) {
    refuseEndless(skip / pageSize, path);
    const query = { 'api-version': apiVersion, 'searchCriteria.status': 'active', $top: pageSize, $skip: skip };
    const { value } = await client.get(path, schema, { query });
    found.push(...value);
    if (value.length < pageSize) break;
  }
  const wanted = options.labels ?? [];
  return found
    .map((one) => ({
      number: one.pullRequestId,
      title: one.title ?? '',
      branch: shortBranch(one.sourceRefName),
      targetBranch: shortBranch(one.targetRefName),
      headSha: one.lastMergeSourceCommit?.commitId ?? '',
      labels: (one.labels ?? []).map(({ name }) => name),
      author: one.createdBy?.uniqueName.split('@')[0] ?? '',
    }))
    .filter(({ headSha, labels }) => headSha !== '' && wanted.every((label) => labels.includes(label)));
}
