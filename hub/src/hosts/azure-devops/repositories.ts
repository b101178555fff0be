import { z } from 'zod';
import type { SecretRef } from '../credentials.ts';
import type { HostAccess, RepositoryHost } from '../host.ts';
import { apiVersion, azureDevOpsClient, shortBranch } from './client.ts';

const repositories = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      remoteUrl: z.string().nullish(),
      defaultBranch: z.string().nullish(),
      isDisabled: z.boolean().nullish(),
    }),
  ),
});

const statistics = z.object({ name: z.string(), commit: z.object({ commitId: z.string() }) });

export interface AzureDevOpsRepositories {
  organization: string;
  api?: string;
  teamProject: string;
  accessTokenRef: SecretRef;
  allBranches?: boolean;
}

/** Azure DevOps: the repositories of a team project, always by HTTPS. It has no labels. */
export function azureDevOpsRepositories(options: AzureDevOpsRepositories, access: HostAccess): RepositoryHost {
  const { organization, api, accessTokenRef: tokenRef } = options;
  const client = azureDevOpsClient({ organization, tokenRef, ...(api ? { api } : {}) }, access);
  const all = `/${encodeURIComponent(options.teamProject)}/_apis/git/repositories`;
  const at = (id: string | number | null) => `${all}/${encodeURIComponent(String(id))}`;
  const version = { 'api-version': apiVersion };
  return {
    list: async () => {
      const { value } = await client.get(all, repositories, { query: version });
      return value.flatMap((one) =>
        one.remoteUrl && one.defaultBranch && one.isDisabled !== true
          ? [
              {
                organization,
                repository: one.name,
                url: one.remoteUrl,
                defaultBranch: one.defaultBranch,
                labels: [],
                repositoryId: one.id,
              },
            ]
          : [],
      );
    },
    branches: async ({ repositoryId, defaultBranch }) => {
      const path = `${at(repositoryId)}/stats/branches`;
      const query = { ...version, name: options.allBranches === true ? undefined : shortBranch(defaultBranch) };
      if (options.allBranches === true) {
        const { value } = await client.get(path, z.object({ value: z.array(statistics) }), { query });
        return value.map(({ name, commit }) => ({ name, sha: commit.commitId }));
      }
      const found = await client.find(path, statistics, { query });
      return found ? [{ name: found.name, sha: found.commit.commitId }] : [];
    },
    hasPath: async ({ repositoryId, branch }, path) => {
      const query = {
        ...version,
        path: `/${path.replace(/^\//, '')}`,
        'versionDescriptor.version': branch,
        'versionDescriptor.versionType': 'branch',
        $format: 'json',
      };
      return (await client.find(`${at(repositoryId)}/items`, z.unknown(), { query })) !== undefined;
    },
  };
}
