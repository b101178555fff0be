import type { Generator, NestedGenerator, PullRequestGenerator } from '@wheelhouse/shared/resources/generator';
import { hostnameOf, type PullRequestContent } from '../../source/webhook/provider.ts';

type AnyGenerator = Generator | NestedGenerator;

/** Whether a pull request that changed is one that these generators list, at whatever depth. */
export function listsPullRequestOf(event: PullRequestContent, generators: readonly AnyGenerator[]): boolean {
  return generators.some(
    ({ pullRequest, matrix, merge }) =>
      (pullRequest !== undefined && lists(event, pullRequest)) ||
      listsPullRequestOf(event, matrix?.generators ?? []) ||
      listsPullRequestOf(event, merge?.generators ?? []),
  );
}

/** A name that holds a template can be any repository. */
function isSame(given: string, name: string): boolean {
  return given.includes('{{') || given.toLowerCase() === name.toLowerCase();
}

function isAt(api: string | undefined, host: string, otherwise = ''): boolean {
  return api?.includes('{{') === true || hostnameOf(api ?? otherwise) === host;
}

type Lists<H extends PullRequestContent['host']> = (
  generator: PullRequestGenerator,
  event: Extract<PullRequestContent, { host: H }>,
) => boolean;

const listsOn: { [H in PullRequestContent['host']]: Lists<H> } = {
  github: ({ github }, { owner, repo, apiHost }) =>
    github !== undefined &&
    isSame(github.owner, owner) &&
    isSame(github.repo, repo) &&
    isAt(github.api, apiHost, 'https://api.github.com'),
  gitlab: ({ gitlab }, { project, path, apiHost }) =>
    gitlab !== undefined &&
    (isSame(gitlab.project, project) || isSame(gitlab.project, path)) &&
    isAt(gitlab.api, apiHost, 'https://gitlab.com'),
  gitea: ({ gitea }, { owner, repo, apiHost }) =>
    gitea !== undefined && isSame(gitea.owner, owner) && isSame(gitea.repo, repo) && isAt(gitea.api, apiHost),
  bitbucket: ({ bitbucket }, { owner, repo }) =>
    bitbucket !== undefined && isSame(bitbucket.owner, owner) && isSame(bitbucket.repo, repo),
  bitbucketServer: ({ bitbucketServer }, { project, repo }) =>
    bitbucketServer !== undefined && isSame(bitbucketServer.project, project) && isSame(bitbucketServer.repo, repo),
  azuredevops: ({ azuredevops }, { project, repo }) =>
    azuredevops !== undefined && isSame(azuredevops.project, project) && isSame(azuredevops.repo, repo),
};

function lists(event: PullRequestContent, generator: PullRequestGenerator): boolean {
  return (listsOn[event.host] as Lists<PullRequestContent['host']>)(generator, event);
}
