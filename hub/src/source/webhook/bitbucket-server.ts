import { z } from 'zod';
import { isHmac, type Provider, shortRef } from './provider.ts';

const push = z.object({
  repository: z.object({ links: z.object({ clone: z.array(z.object({ href: z.string(), name: z.string() })) }) }),
  changes: z.array(z.object({ ref: z.object({ id: z.string() }) })),
});

const pullRequest = z.object({
  pullRequest: z.object({
    toRef: z.object({ repository: z.object({ slug: z.string(), project: z.object({ key: z.string() }) }) }),
  }),
});

/** Bitbucket Server and Data Center. */
export const bitbucketServer: Provider = {
  name: 'bitbucketServer',
  secretNames: ['bitbucketServer'],
  eventOf: (headers) => headers.get('x-event-key'),
  pushEvents: ['repo:refs_changed'],
  idleEvents: ['diagnostics:ping'],
  pullRequestEvents: ['pr:opened', 'pr:modified', 'pr:from_ref_updated', 'pr:merged', 'pr:declined', 'pr:deleted'],
  isGenuine: ({ headers, body }, secret) => isHmac(headers.get('x-hub-signature'), body, secret),
  parse(payload) {
    const { repository, changes } = push.parse(payload);
    const links = repository.links.clone.filter(({ name }) => name === 'http' || name === 'ssh');
    return {
      repoURLs: links.map(({ href }) => href),
      changes: changes.map(({ ref }) => ({ revision: shortRef(ref.id), shaBefore: '', shaAfter: '' })),
      touchedHead: true,
      changedFiles: [],
      isComplete: false,
    };
  },
  parsePullRequest(payload) {
    const { repository } = pullRequest.parse(payload).pullRequest.toRef;
    return { host: 'bitbucketServer', project: repository.project.key, repo: repository.slug };
  },
};
