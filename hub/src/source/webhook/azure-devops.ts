import { z } from 'zod';
import { isSame, type Provider, shortRef } from './provider.ts';

const repository = z.object({
  name: z.string().default(''),
  remoteUrl: z.string().default(''),
  defaultBranch: z.string().default(''),
  project: z.object({ name: z.string().default('') }).prefault({}),
});

const push = z.object({
  resource: z.object({
    repository,
    refUpdates: z.array(z.object({ name: z.string(), oldObjectId: z.string(), newObjectId: z.string() })).min(1),
  }),
});

const event = z.object({ eventType: z.string() });

const pullRequest = z.object({ resource: z.object({ repository }) });

/** Azure DevOps. Its calls carry HTTP basic authentication: the secret is `user:password`. */
export const azureDevOps: Provider = {
  name: 'azureDevOps',
  secretNames: ['azureDevOps'],
  eventOf: (headers, body) => (headers.has('x-vss-activityid') ? eventIn(body) : undefined),
  pushEvents: ['git.push'],
  idleEvents: [],
  pullRequestEvents: ['git.pullrequest.created', 'git.pullrequest.updated', 'git.pullrequest.merged'],
  isGenuine: ({ headers }, secret) =>
    isSame(headers.get('authorization'), `Basic ${Buffer.from(secret).toString('base64')}`),
  parse(payload) {
    const { repository: pushed, refUpdates } = push.parse(payload).resource;
    return {
      repoURLs: [pushed.remoteUrl],
      changes: refUpdates.map(({ name, oldObjectId, newObjectId }) => ({
        revision: shortRef(name),
        shaBefore: oldObjectId,
        shaAfter: newObjectId,
      })),
      touchedHead: refUpdates.some(({ name }) => name === pushed.defaultBranch),
      changedFiles: [],
      isComplete: false,
    };
  },
  parsePullRequest(payload) {
    const { name: repo, project } = pullRequest.parse(payload).resource.repository;
    return { host: 'azuredevops', project: project.name, repo };
  },
};

/** The event's name, which only the body says; empty when the body is no event. */
function eventIn(body: Buffer): string {
  try {
    return event.parse(JSON.parse(body.toString('utf8'))).eventType;
  } catch {
    // told apart from other hosts already: the caller says that this is no event it knows
    return '';
  }
}
