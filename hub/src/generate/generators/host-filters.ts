import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { PullRequestGenerator, ScmProviderGenerator } from '@wheelhouse/shared/resources/generator';
import { RE2JS } from 're2js';
import type { HostPullRequest, HostRepository, ListedRepository, RepositoryHost } from '../../hosts/host.ts';

type Matches = (text: string) => boolean;

/** Go: a regular expression that is found anywhere in the text. Throws Invalid that names the field. */
function compile(pattern: string | undefined, field: string): Matches | undefined {
  if (pattern === undefined) return undefined;
  try {
    const regex = RE2JS.compile(pattern);
    return (text) => regex.matcher(text).find();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError('Invalid', `${field} "${pattern}" is not a regular expression: ${message}`, { cause });
  }
}

interface RepositoryFilter {
  repository: Matches | undefined;
  label: Matches | undefined;
  branch: Matches | undefined;
  pathsExist: string[];
  pathsDoNotExist: string[];
  /** Argo CD: one that names only repositories and labels is judged before branches are looked up, all others after. */
  isEarly: boolean;
}

function compileRepositoryFilters(filters: ScmProviderGenerator['filters']): RepositoryFilter[] {
  return (filters ?? []).map((filter, index) => {
    const { repositoryMatch, labelMatch, branchMatch, pathsExist = [], pathsDoNotExist = [] } = filter;
    const isLate = branchMatch !== undefined || pathsExist.length > 0 || pathsDoNotExist.length > 0;
    return {
      repository: compile(repositoryMatch, `filters[${index}].repositoryMatch`),
      label: compile(labelMatch, `filters[${index}].labelMatch`),
      branch: compile(branchMatch, `filters[${index}].branchMatch`),
      pathsExist,
      pathsDoNotExist,
      isEarly: !isLate && (repositoryMatch !== undefined || labelMatch !== undefined),
    };
  });
}

function fitsRepository(
  { repository, label }: RepositoryFilter,
  one: { repository: string; labels: string[] },
): boolean {
  return (repository?.(one.repository) ?? true) && (label === undefined || one.labels.some(label));
}

/**
 * Branches that pass the filters: conditions of one filter must all hold, and one filter is enough. Asks the host about
 * no repository that cannot pass. In the order of the host.
 */
export async function selectRepositories(
  filters: ScmProviderGenerator['filters'],
  host: RepositoryHost,
): Promise<HostRepository[]> {
  const compiled = compileRepositoryFilters(filters);
  const early = compiled.filter(({ isEarly }) => isEarly);
  const late = compiled.filter(
    ({ branch, pathsExist, pathsDoNotExist }) => branch || pathsExist.length + pathsDoNotExist.length > 0,
  );
  const mayPass = (one: ListedRepository) =>
    passesAny(early, (filter) => fitsRepository(filter, one)) &&
    passesAny(late, (filter) => fitsRepository(filter, one));
  const listed = (await host.list()).filter(mayPass);
  const found = await inBatches(listed, async (one) => {
    const { defaultBranch: _, ...rest } = one;
    const branches = await host.branches(one);
    const all = branches.map(({ name, sha }): HostRepository => ({ ...rest, branch: name, sha }));
    const kept = await inBatches(all, async (branch) => ((await fitsBranch(late, branch, host)) ? [branch] : []));
    return kept.flat();
  });
  return found.flat();
}

function passesAny<T>(filters: readonly T[], passes: (filter: T) => boolean): boolean {
  return filters.length === 0 || filters.some(passes);
}

async function fitsBranch(filters: RepositoryFilter[], one: HostRepository, host: RepositoryHost): Promise<boolean> {
  if (filters.length === 0) return true;
  for (const filter of filters) {
    if (!fitsRepository(filter, one) || filter.branch?.(one.branch) === false) continue;
    if (await fitsPaths(filter, one, host)) return true;
  }
  return false;
}

async function fitsPaths(filter: RepositoryFilter, one: HostRepository, host: RepositoryHost): Promise<boolean> {
  for (const path of filter.pathsExist) if (!(await host.hasPath(one, path))) return false;
  for (const path of filter.pathsDoNotExist) if (await host.hasPath(one, path)) return false;
  return true;
}

/** Eight at a time; the connection to the host has a limit of its own. Stops asking at the first failure. */
async function inBatches<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += 8) results.push(...(await Promise.all(items.slice(at, at + 8).map(task))));
  return results;
}

/** Argo CD: a pull request passes when one filter's conditions all hold. */
export function selectPullRequests(
  filters: PullRequestGenerator['filters'],
  pullRequests: readonly HostPullRequest[],
): HostPullRequest[] {
  const compiled = (filters ?? []).map(({ branchMatch, targetBranchMatch, titleMatch }, index) => ({
    branch: compile(branchMatch, `filters[${index}].branchMatch`),
    target: compile(targetBranchMatch, `filters[${index}].targetBranchMatch`),
    title: compile(titleMatch, `filters[${index}].titleMatch`),
  }));
  return pullRequests.filter((one) =>
    passesAny(
      compiled,
      ({ branch, target, title }) =>
        (branch?.(one.branch) ?? true) && (target?.(one.targetBranch) ?? true) && (title?.(one.title) ?? true),
    ),
  );
}
