import path from 'node:path';
import { z } from 'zod';
import type { CloneProtocol, HostAccess, RepositoryHost } from '../host.ts';
import { linkedPages } from '../http/pages.ts';
import { type GitlabAccess, gitlabClient } from './client.ts';

const project = z.object({
  id: z.number(),
  path: z.string(),
  namespace: z.object({ full_path: z.string() }),
  ssh_url_to_repo: z.string(),
  http_url_to_repo: z.string(),
  default_branch: z.string().nullish(),
  archived: z.boolean().nullish(),
  topics: z.array(z.string()).nullish(),
  tag_list: z.array(z.string()).nullish(),
});

const branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) });

export interface GitlabRepositories extends GitlabAccess {
  group: string;
  includeSubgroups?: boolean;
  /** Default true, as GitLab's. */
  includeSharedProjects?: boolean;
  includeArchivedRepos?: boolean;
  topic?: string;
  allBranches?: boolean;
}

/** GitLab: the projects of a group. Labels are its topics. */
export function gitlabRepositories(
  options: GitlabRepositories,
  protocol: CloneProtocol,
  access: HostAccess,
): RepositoryHost {
  const client = gitlabClient(options, access);
  return {
    list: async () => {
      const query = {
        per_page: 100,
        include_subgroups: options.includeSubgroups ?? false,
        with_shared: options.includeSharedProjects ?? true,
        topic: options.topic || undefined,
        archived: options.includeArchivedRepos === true ? undefined : false,
      };
      const found = await linkedPages(client, `/groups/${encodeURIComponent(options.group)}/projects`, {
        item: project,
        query,
      });
      return found.map((one) => ({
        organization: one.namespace.full_path,
        repository: one.path,
        url: protocol === 'ssh' ? one.ssh_url_to_repo : one.http_url_to_repo,
        defaultBranch: one.default_branch ?? '',
        // before GitLab 14.5
        labels: (one.topics ?? []).length > 0 ? (one.topics ?? []) : (one.tag_list ?? []),
        repositoryId: one.id,
      }));
    },
    branches: async ({ repositoryId, defaultBranch }) => {
      const branches = `/projects/${repositoryId}/repository/branches`;
      if (options.allBranches === true) {
        const all = await linkedPages(client, branches, { item: branch, query: { per_page: 100 } });
        return all.map(({ name, commit }) => ({ name, sha: commit.id }));
      }
      if (defaultBranch === '') return [];
      const found = await client.find(`${branches}/${encodeURIComponent(defaultBranch)}`, branch);
      return found ? [{ name: found.name, sha: found.commit.id }] : [];
    },
    hasPath: async ({ repositoryId, branch: ref }, file) => {
      // what lies beside it is listed, because a directory has no address of its own in GitLab's API
      const entries = await linkedPages(client, `/projects/${repositoryId}/repository/tree`, {
        item: z.object({ path: z.string() }),
        query: { per_page: 100, ref, path: parentOf(file) },
      }).catch(noneIfMissing);
      return entries.some((entry) => entry.path === file.replace(/\/$/, ''));
    },
  };
}

function parentOf(file: string): string | undefined {
  const parent = path.posix.dirname(file.replace(/\/$/, ''));
  return parent === '.' ? undefined : parent;
}

/** GitLab answers 404 for a tree whose directory is not there. */
function noneIfMissing(error: unknown): { path: string }[] {
  if (error instanceof Error && 'code' in error && error.code === 'NotFound') return [];
  throw error;
}
