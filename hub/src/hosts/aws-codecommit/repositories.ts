import path from 'node:path';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { HostAccess, ListedRepository, RepositoryHost } from '../host.ts';
import { refuseEndless } from '../http/pages.ts';
import { type AwsAccess, type AwsClient, createAwsClient } from './client.ts';

const codeCommit = { name: 'codecommit', target: 'CodeCommit_20150413' };
const tagging = { name: 'tagging', target: 'ResourceGroupsTaggingAPI_20170126' };

const metadata = z.object({
  repositoryMetadata: z.object({
    accountId: z.string(),
    repositoryId: z.string(),
    repositoryName: z.string(),
    defaultBranch: z.string().nullish(),
    cloneUrlHttp: z.string().nullish(),
    cloneUrlSsh: z.string().nullish(),
  }),
});

const entries = z.array(z.object({ relativePath: z.string() })).nullish();
const folder = z.object({ subFolders: entries, files: entries, symbolicLinks: entries, subModules: entries });

export interface AwsCodeCommitRepositories extends AwsAccess {
  tagFilters?: { key: string; value?: string }[];
  allBranches?: boolean;
}

/** AWS CodeCommit: the repositories of an account in a region. Commits of branches are not asked for, as in Argo CD. */
export function awsCodeCommitRepositories(
  options: AwsCodeCommitRepositories,
  protocol: string | undefined,
  access: HostAccess,
): RepositoryHost {
  const aws = createAwsClient(options, access);
  return {
    list: async () => {
      const names = await (options.tagFilters?.length ? taggedNames(aws, options.tagFilters) : allNames(aws));
      const listed = await mapLimit(names, 4, async (name): Promise<ListedRepository[]> => {
        const { repositoryMetadata: one } = await aws.call(
          [codeCommit, 'GetRepository'],
          { repositoryName: name },
          metadata,
        );
        if (!one.defaultBranch) return [];
        return [
          {
            organization: one.accountId,
            repository: one.repositoryName,
            url: cloneUrl(one, protocol),
            defaultBranch: one.defaultBranch,
            labels: [],
            repositoryId: one.repositoryId,
          },
        ];
      });
      return listed.flat();
    },
    branches: async ({ repository, defaultBranch }) => {
      if (options.allBranches !== true) return [{ name: defaultBranch, sha: '' }];
      const schema = z.object({ branches: z.array(z.string()), nextToken: z.string().nullish() });
      const pages = await tokens(async (nextToken) => {
        const page = await aws.call([codeCommit, 'ListBranches'], { repositoryName: repository, nextToken }, schema);
        return { items: page.branches, next: page.nextToken };
      });
      return pages.map((name) => ({ name, sha: '' }));
    },
    hasPath: async ({ repository, branch }, file) => {
      const whole = path.posix.join('/', file).replace(/(.)\/$/, '$1');
      if (whole === '/') return true;
      const body = { repositoryName: repository, commitSpecifier: branch, folderPath: path.posix.dirname(whole) };
      const found = await aws.call([codeCommit, 'GetFolder'], body, folder).catch(noneIfMissing);
      const { subFolders, files, symbolicLinks, subModules } = found;
      return [subFolders, files, symbolicLinks, subModules].some((list) =>
        list?.some(({ relativePath }) => relativePath === path.posix.basename(whole)),
      );
    },
  };
}

async function allNames(aws: AwsClient): Promise<string[]> {
  const schema = z.object({
    repositories: z.array(z.object({ repositoryName: z.string() })),
    nextToken: z.string().nullish(),
  });
  return await tokens(async (nextToken) => {
    const page = await aws.call([codeCommit, 'ListRepositories'], { nextToken }, schema);
    return { items: page.repositories.map(({ repositoryName }) => repositoryName), next: page.nextToken };
  });
}

/** AWS: filters of one key are alternatives, those of several keys must all hold. */
async function taggedNames(aws: AwsClient, filters: { key: string; value?: string }[]): Promise<string[]> {
  const byKey = Map.groupBy(filters, ({ key }) => key);
  const TagFilters = [...byKey].map(([Key, some]) => ({ Key, Values: some.flatMap(({ value }) => value || []) }));
  const schema = z.object({
    ResourceTagMappingList: z.array(z.object({ ResourceARN: z.string() })),
    PaginationToken: z.string().nullish(),
  });
  return await tokens(async (PaginationToken) => {
    const body = { ResourceTypeFilters: ['codecommit:repository'], TagFilters, PaginationToken };
    const page = await aws.call([tagging, 'GetResources'], body, schema);
    const names = page.ResourceTagMappingList.map(({ ResourceARN }) => ResourceARN.split(':').slice(5).join(':'));
    return { items: names, next: page.PaginationToken };
  });
}

async function tokens(
  ask: (token: string | undefined) => Promise<{ items: string[]; next: string | null | undefined }>,
): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  let page = 0;
  do {
    refuseEndless(page, 'AWS CodeCommit');
    page += 1;
    const { items, next } = await ask(token);
    found.push(...items);
    token = next || undefined;
  } while (token !== undefined);
  return found;
}

function cloneUrl(one: z.infer<typeof metadata>['repositoryMetadata'], protocol: string | undefined): string {
  const http = one.cloneUrlHttp ?? '';
  switch (protocol || 'ssh') {
    case 'ssh':
      return one.cloneUrlSsh ?? '';
    case 'https':
      return http;
    case 'https-fips':
      return http.replace(/^https:\/\/git-codecommit(?:-fips)?\./, 'https://git-codecommit-fips.');
    default:
      throw new FleetError('Invalid', `cloneProtocol "${protocol}" is not known; use ssh, https or https-fips`);
  }
}

const missing = /(RepositoryDoesNotExist|CommitDoesNotExist|FolderDoesNotExist)Exception/;

function noneIfMissing(error: unknown): z.infer<typeof folder> {
  if (error instanceof FleetError && missing.test(error.message)) return {};
  throw error;
}
