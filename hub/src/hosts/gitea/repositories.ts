import { mapLimit } from '@wheelhouse/shared/async/limit';
import { z } from 'zod';
import { encodePath } from '../credentials.ts';
import type { CloneProtocol, HostAccess, RepositoryHost } from '../host.ts';
import { linkedPages } from '../http/pages.ts';
import { type GiteaAccess, giteaClient } from './client.ts';

const repository = z.object({
  id: z.number(),
  name: z.string(),
  ssh_url: z.string(),
  html_url: z.string(),
  default_branch: z.string().nullish(),
  archived: z.boolean().nullish(),
  empty: z.boolean().nullish(),
});

const branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) });

export interface GiteaRepositories extends GiteaAccess {
  owner: string;
  allBranches?: boolean;
  excludeArchivedRepos?: boolean;
}

/** Gitea takes 50 a page unless it is set up otherwise. */
const pageSize = 50;

/** Gitea and Forgejo: the repositories of an organization. Labels are those of its issues, as in Argo CD. */
export function giteaRepositories(
  options: GiteaRepositories,
  protocol: CloneProtocol,
  access: HostAccess,
): RepositoryHost {
  const client = giteaClient(options, access);
  const at = (name: string) => `/repos/${encodeURIComponent(options.owner)}/${encodeURIComponent(name)}`;
  const labelsOf = async (name: string) =>
    await linkedPages(client, `${at(name)}/labels`, {
      item: z.object({ name: z.string() }),
      query: { limit: pageSize },
    });
  return {
    list: async () => {
      const path = `/orgs/${encodeURIComponent(options.owner)}/repos`;
      const found = await linkedPages(client, path, { item: repository, query: { limit: pageSize } });
      const kept = found.filter(({ archived }) => !(options.excludeArchivedRepos === true && archived === true));
      return await mapLimit(kept, 4, async (one) => ({
        organization: options.owner,
        repository: one.name,
        url: protocol === 'ssh' ? one.ssh_url : one.html_url,
        defaultBranch: one.empty === true ? '' : (one.default_branch ?? ''),
        labels: (await labelsOf(one.name)).map(({ name }) => name),
        repositoryId: one.id,
      }));
    },
    branches: async ({ repository: name, defaultBranch }) => {
      if (options.allBranches === true) {
        const all = await linkedPages(client, `${at(name)}/branches`, { item: branch, query: { limit: pageSize } });
        return all.map((one) => ({ name: one.name, sha: one.commit.id }));
      }
      if (defaultBranch === '') return [];
      const found = await client.find(`${at(name)}/branches/${encodePath(defaultBranch)}`, branch);
      return found ? [{ name: found.name, sha: found.commit.id }] : [];
    },
    hasPath: async ({ repository: name, branch: ref }, path) =>
      (await client.find(`${at(name)}/contents/${encodePath(path)}`, z.unknown(), { query: { ref } })) !== undefined,
  };
}
