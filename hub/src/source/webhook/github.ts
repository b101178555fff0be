import { z } from 'zod';
import { commits, filesOf, hostnameOf, isHmac, type Provider, type PullRequestContent, shortRef } from './provider.ts';

/** A push as GitHub, and in part Gogs and Gitea, write it; what is missing counts as empty, as in Argo CD. */
const push = z.object({
  ref: z.string().default(''),
  before: z.string().default(''),
  after: z.string().default(''),
  forced: z.boolean().default(false),
  commits,
  repository: z.object({ html_url: z.string().default(''), default_branch: z.string().default('') }).prefault({}),
});

const pullRequest = z.object({
  action: z.string(),
  repository: z.object({ name: z.string(), url: z.string().default(''), owner: z.object({ login: z.string() }) }),
});

/** Argo CD: what changes the list of pull requests, or what a generator reads of one. */
const changing = new Set(['opened', 'closed', 'synchronize', 'labeled', 'reopened', 'unlabeled', 'edited']);

export const github: Provider = {
  name: 'github',
  secretNames: ['github'],
  eventOf: (headers) => headers.get('x-github-event'),
  pushEvents: ['push'],
  idleEvents: ['ping'],
  pullRequestEvents: ['pull_request'],
  isGenuine: ({ headers, body }, secret) => isHmac(headers.get('x-hub-signature-256'), body, secret),
  parse: parseGithubPush,
  parsePullRequest(payload) {
    const { action, repository } = pullRequest.parse(payload);
    if (!changing.has(action)) return undefined;
    const { name: repo, owner, url } = repository;
    return { host: 'github', owner: owner.login, repo, apiHost: hostnameOf(url) };
  },
};

function parseGithubPush(payload: unknown): ReturnType<Provider['parse']> {
  const { ref, before, after, forced, commits: pushed, repository } = push.parse(payload);
  const revision = shortRef(ref);
  return {
    repoURLs: [repository.html_url],
    changes: [{ revision, shaBefore: before, shaAfter: after }],
    touchedHead: revision === repository.default_branch,
    changedFiles: filesOf(pushed),
    isComplete: !forced,
  };
}

/**
 * Gitea, Forgejo and Gogs send the newest few commits of a push (5 or 15, as their settings say). What some add, `total_commits`, is
 * of a new branch no more than they looked at, and none tells a forced push, so their list of files is never taken for whole.
 */
export function parseGiteaPush(payload: unknown): ReturnType<Provider['parse']> {
  return { ...parseGithubPush(payload), isComplete: false };
}

const giteaPullRequest = z.object({
  action: z.string(),
  repository: z.object({ name: z.string(), html_url: z.string().default(''), owner: z.object({ login: z.string() }) }),
});

const changingGitea = new Set([...changing, 'synchronized', 'label_updated', 'label_cleared']);

/** Gitea and Forgejo. */
export function parseGiteaPullRequest(payload: unknown): PullRequestContent | undefined {
  const { action, repository } = giteaPullRequest.parse(payload);
  if (!changingGitea.has(action)) return undefined;
  const { name: repo, owner, html_url: url } = repository;
  return { host: 'gitea', owner: owner.login, repo, apiHost: hostnameOf(url) };
}
