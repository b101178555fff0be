import { mapLimit } from '@wheelhouse/shared/async/limit';
import { z } from 'zod';
import { encodePath } from '../credentials.ts';
import type { CloneProtocol, HostAccess, ListedRepository, RepositoryHost } from '../host.ts';
import { bodyPages } from '../http/pages.ts';
import { type BitbucketServerAccess, bitbucketServerClient, nextPage } from './client.ts';

const repository = z.object({
  id: z.number(),
  slug: z.string(),
  name: z.string(),
  project: z.object({ key: z.string() }),
  links: z.object({ clone: z.array(z.object({ name: z.string(), href: z.string() })) }),
});

const branch = z.object({ displayId: z.string(), latestCommit: z.string() });

export interface BitbucketServerRepositories extends BitbucketServerAccess {
  project: string;
  allBranches?: boolean;
}

/** Bitbucket Server and Data Center: the repositories of a project. Argo CD reads no labels of it. */
export function bitbucketServerRepositories(
  options: BitbucketServerRepositories,
  protocol: CloneProtocol,
  access: HostAccess,
): RepositoryHost {
  const client = bitbucketServerClient(options, access);
  // Argo CD: a repository goes by its name, but the API knows it by its slug
  const slugs = new Map<string, string>();
  const at = (one: { organization: string; repository: string }) =>
    `/projects/${encodeURIComponent(one.organization)}/repos/${encodeURIComponent(slugs.get(one.repository) ?? one.repository)}`;
  // an empty repository has none: 404, or an empty answer
  const defaultBranch = async (one: { organization: string; repository: string }) =>
    await client.find(`${at(one)}/branches/default`, branch.optional());
  return {
    list: async () => {
      const path = `/projects/${encodeURIComponent(options.project)}/repos`;
      const found = await bodyPages(client, path, { item: repository, query: { limit: 100 }, next: nextPage });
      const listed = await mapLimit(found, 8, async (one): Promise<ListedRepository[]> => {
        const names = { organization: one.project.key, repository: one.name };
        slugs.set(one.name, one.slug);
        const main = await defaultBranch(names);
        if (!main) return [];
        const wanted = protocol === 'ssh' ? 'ssh' : 'http';
        const url = one.links.clone.find(({ name }) => name === wanted)?.href ?? '';
        return [{ ...names, url, defaultBranch: main.displayId, labels: [], repositoryId: one.id }];
      });
      return listed.flat();
    },
    branches: async (one) => {
      if (options.allBranches === true) {
        const path = `${at(one)}/branches`;
        const all = await bodyPages(client, path, { item: branch, query: { limit: 100 }, next: nextPage });
        return all.map(({ displayId, latestCommit }) => ({ name: displayId, sha: latestCommit }));
      }
      const main = await defaultBranch(one);
      return main ? [{ name: main.displayId, sha: main.latestCommit }] : [];
    },
    hasPath: async (one, path) => {
      const request = { query: { at: one.branch, type: true, limit: 1 } };
      return (await client.find(`${at(one)}/browse/${encodePath(path)}`, z.unknown(), request)) !== undefined;
    },
  };
}
