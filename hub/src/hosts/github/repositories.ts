import { z } from 'zod';
import { encodePath } from '../credentials.ts';
import type { CloneProtocol, HostAccess, RepositoryHost } from '../host.ts';
import { linkedPages } from '../http/pages.ts';
import { type GithubAccess, githubClient } from './client.ts';

const repository = z.object({
  id: z.number(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  ssh_url: z.string(),
  clone_url: z.string(),
  default_branch: z.string().nullish(),
  archived: z.boolean().nullish(),
  topics: z.array(z.string()).nullish(),
});

const branch = z.object({ name: z.string(), commit: z.object({ sha: z.string() }) });

export interface GithubRepositories extends GithubAccess {
  organization: string;
  allBranches?: boolean;
  excludeArchivedRepos?: boolean;
}

/** GitHub and GitHub Enterprise Server: the repositories of an organization. Labels are its topics. */
export function githubRepositories(
  options: GithubRepositories,
  protocol: CloneProtocol,
  access: HostAccess,
): RepositoryHost {
  const client = githubClient(options, access);
  const at = (one: { organization: string; repository: string }) =>
    `/repos/${encodeURIComponent(one.organization)}/${encodeURIComponent(one.repository)}`;
  return {
    list: async () => {
      const path = `/orgs/${encodeURIComponent(options.organization)}/repos`;
      const found = await linkedPages(client, path, { item: repository, query: { per_page: 100 } });
      return found
        .filter(({ archived }) => !(options.excludeArchivedRepos === true && archived === true))
        .map((one) => ({
          organization: one.owner.login,
          repository: one.name,
          url: protocol === 'ssh' ? one.ssh_url : one.clone_url,
          defaultBranch: one.default_branch ?? '',
          labels: one.topics ?? [],
          repositoryId: one.id,
        }));
    },
    branches: async (one) => {
      if (options.allBranches === true) {
        const all = await linkedPages(client, `${at(one)}/branches`, { item: branch, query: { per_page: 100 } });
        return all.map(({ name, commit }) => ({ name, sha: commit.sha }));
      }
      // an empty repository has no default branch
      const found = await client.find(`${at(one)}/branches/${encodePath(one.defaultBranch)}`, branch);
      return found ? [{ name: found.name, sha: found.commit.sha }] : [];
    },
    hasPath: async (one, path) => {
      const request = { query: { ref: one.branch } };
      return (await client.find(`${at(one)}/contents/${encodePath(path)}`, z.unknown(), request)) !== undefined;
    },
  };
}
