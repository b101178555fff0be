/**
 * What code hosts say: repositories with their branches, and pull requests. In: a generator's own words and how to get
 * at its secrets. Out: complete lists, or a FleetError that names the host. One folder a host, with the same files in
 * each. Must never: give a part of a list, or keep anything but answers that the host confirms (`http/`).
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { PullRequestGenerator, ScmProviderGenerator } from '@wheelhouse/shared/resources/generator';
import { awsCodeCommitRepositories } from './aws-codecommit/repositories.ts';
import { azureDevOpsPullRequests } from './azure-devops/pull-requests.ts';
import { azureDevOpsRepositories } from './azure-devops/repositories.ts';
import { bitbucketPullRequests } from './bitbucket/pull-requests.ts';
import { bitbucketRepositories } from './bitbucket/repositories.ts';
import { bitbucketServerPullRequests } from './bitbucket-server/pull-requests.ts';
import { bitbucketServerRepositories } from './bitbucket-server/repositories.ts';
import { cloneProtocolOf } from './credentials.ts';
import { giteaPullRequests } from './gitea/pull-requests.ts';
import { giteaRepositories } from './gitea/repositories.ts';
import { githubPullRequests } from './github/pull-requests.ts';
import { githubRepositories } from './github/repositories.ts';
import { gitlabPullRequests } from './gitlab/pull-requests.ts';
import { gitlabRepositories } from './gitlab/repositories.ts';
import type { HostAccess, HostPullRequest, RepositoryHost } from './host.ts';

/** The host that a generator names. Throws Invalid when it names none. */
export function openRepositoryHost(generator: ScmProviderGenerator, access: HostAccess): RepositoryHost {
  const { github, gitlab, bitbucket, bitbucketServer, gitea, azureDevOps, awsCodeCommit, cloneProtocol } = generator;
  const protocol = () => cloneProtocolOf(cloneProtocol);
  if (github) return githubRepositories(github, protocol(), access);
  if (gitlab) return gitlabRepositories(gitlab, protocol(), access);
  if (bitbucket) return bitbucketRepositories(bitbucket, protocol(), access);
  if (bitbucketServer) return bitbucketServerRepositories(bitbucketServer, protocol(), access);
  if (gitea) return giteaRepositories(gitea, protocol(), access);
  if (azureDevOps) return azureDevOpsRepositories(azureDevOps, access);
  if (awsCodeCommit) return awsCodeCommitRepositories(awsCodeCommit, cloneProtocol, access);
  throw namesNone('scmProvider', 'github, gitlab, bitbucket, bitbucketServer, gitea, azureDevOps or awsCodeCommit');
}

/** Throws NotFound when the host has no such repository, and Invalid when the generator names no host. */
export async function listPullRequests(
  generator: PullRequestGenerator,
  access: HostAccess,
): Promise<HostPullRequest[]> {
  const { github, gitlab, gitea, bitbucket, bitbucketServer, azuredevops } = generator;
  if (github) return await githubPullRequests(github, access);
  if (gitlab) return await gitlabPullRequests(gitlab, access);
  if (gitea) return await giteaPullRequests(gitea, access);
  if (bitbucketServer) return await bitbucketServerPullRequests(bitbucketServer, access);
  if (bitbucket) return await bitbucketPullRequests(bitbucket, access);
  if (azuredevops) return await azureDevOpsPullRequests(azuredevops, access);
  throw namesNone('pullRequest', 'github, gitlab, gitea, bitbucketServer, bitbucket or azuredevops');
}

function namesNone(generator: string, hosts: string): FleetError {
  return new FleetError('Invalid', `${generator}: names no host; give one of ${hosts}`);
}
