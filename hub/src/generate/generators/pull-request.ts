import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { PullRequestGenerator } from '@wheelhouse/shared/resources/generator';
import anyAscii from 'any-ascii';
import type { HostPullRequest } from '../../hosts/host.ts';
import { slugify } from '../template/functions/names.ts';
import { stringSlice } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { selectPullRequests } from './host-filters.ts';
import { compileValues, type Parameters } from './parameters.ts';

/** Argo CD: 30 minutes. */
const defaultIntervalSeconds = 1_800;

/** Argo CD: pullRequest. One element for each open pull request. */
export async function pullRequestParameters(
  generator: PullRequestGenerator,
  context: GeneratorContext,
): Promise<Parameters[]> {
  const { template: _, values, filters, requeueAfterSeconds, ...query } = generator;
  const addValues = compileValues(values, context.compiler);
  const interval = requeueAfterSeconds ?? defaultIntervalSeconds;
  const listed = await context.hosts.listing(
    { pullRequest: query },
    interval,
    async () => await list(generator, context),
  );
  return selectPullRequests(filters, listed).map((one) => addValues(parametersOf(one, context.compiler.goTemplate)));
}

async function list(generator: PullRequestGenerator, context: GeneratorContext): Promise<HostPullRequest[]> {
  try {
    return await context.hosts.pullRequests(generator);
  } catch (error) {
    const isMissing = error instanceof FleetError && error.code === 'NotFound';
    if (isMissing && generator.continueOnRepoNotFoundError === true) return [];
    throw error;
  }
}

function parametersOf(one: HostPullRequest, goTemplate: boolean): Parameters {
  const params: Parameters = {
    number: String(one.number),
    title: one.title,
    branch: one.branch,
    branch_slug: slugOf(one.branch),
    target_branch: one.targetBranch,
    target_branch_slug: slugOf(one.targetBranch),
    head_sha: one.headSha,
    head_short_sha: one.headSha.slice(0, 8),
    head_short_sha_7: one.headSha.slice(0, 7),
    author: one.author,
  };
  // Argo CD: lists exist in Go templates only
  return goTemplate ? { ...params, labels: stringSlice(one.labels) } : params;
}

/** Argo CD: at most 50 characters, in ASCII, of lower-case letters, digits and dashes, cut at a word. */
function slugOf(branch: string): string {
  const words = anyAscii(branch.replaceAll('&', ' and ').replaceAll('@', ' at ')).replaceAll('_', '-');
  return slugify(words.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'));
}
