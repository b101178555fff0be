import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import { basicCredential, encodePath, type SecretRef } from '../credentials.ts';
import type { CloneProtocol, HostAccess, RepositoryHost } from '../host.ts';
import { bodyPages } from '../http/pages.ts';
import { bitbucketClient, nextPage } from './client.ts';

const repository = z.object({
  uuid: z.string(),
  slug: z.string(),
  mainbranch: z.object({ name: z.string() }).nullish(),
  links: z.object({ clone: z.array(z.object({ name: z.string(), href: z.string() })) }),
});

const branch = z.object({ name: z.string(), target: z.object({ hash: z.string() }) });

export interface BitbucketRepositories {
  owner: string;
  user: string;
  appPasswordRef: SecretRef;
  allBranches?: boolean;
}

/** Bitbucket Cloud: the repositories of a workspace that the user is a member of. It has no labels. */
export function bitbucketRepositories(
  options: BitbucketRepositories,
  protocol: CloneProtocol,
  access: HostAccess,
): RepositoryHost {
  const credential = basicCredential(options.user, access.secret(options.appPasswordRef).trim());
  const client = bitbucketClient(credential, access);
  const workspace = `/repositories/${encodeURIComponent(options.owner)}`;
  const at = (slug: string) => `${workspace}/${encodeURIComponent(slug)}`;
  return {
    list: async () => {
      const query = { role: 'member', pagelen: 100 };
      const found = await bodyPages(client, workspace, { item: repository, query, next: nextPage });
      return found.map((one) => ({
        organization: options.owner,
        repository: one.slug,
        url: cloneUrl(one, protocol),
        defaultBranch: one.mainbranch?.name ?? '',
        labels: [],
        repositoryId: one.uuid,
      }));
    },
    branches: async ({ repository: slug, defaultBranch }) => {
      const branches = `${at(slug)}/refs/branches`;
      if (options.allBranches === true) {
        const all = await bodyPages(client, branches, { item: branch, query: { pagelen: 100 }, next: nextPage });
        return all.map(({ name, target }) => ({ name, sha: target.hash }));
      }
      if (defaultBranch === '') return [];
      const found = await client.find(`${branches}/${encodePath(defaultBranch)}`, branch);
      return found ? [{ name: found.name, sha: found.target.hash }] : [];
    },
    hasPath: async ({ repository: slug, sha }, path) => {
      const request = { query: { format: 'meta' } };
      const file = `${at(slug)}/src/${encodeURIComponent(sha)}/${encodePath(path)}`;
      return (await client.find(file, z.unknown(), request)) !== undefined;
    },
  };
}

function cloneUrl({ slug, links }: z.infer<typeof repository>, protocol: CloneProtocol): string {
  const link = links.clone.find(({ name }) => name === protocol);
  if (link) return link.href;
  throw new FleetError('GeneratorFailed', `repository ${slug} of Bitbucket Cloud has no URL to clone by ${protocol}`);
}
