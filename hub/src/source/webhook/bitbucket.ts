import { z } from 'zod';
import { isSame, type Provider } from './provider.ts';

const side = z
  .object({ name: z.string().default(''), target: z.object({ hash: z.string().default('') }).prefault({}) })
  .nullish();
const push = z.object({
  repository: z.object({ links: z.object({ html: z.object({ href: z.string() }) }) }),
  push: z.object({
    // of a deleted branch there is no new side, of a new one no old side
    changes: z.array(z.object({ new: side, old: side })),
  }),
});

const pullRequest = z.object({ repository: z.object({ full_name: z.string() }) });

/** Bitbucket Cloud. Its secret is the webhook's UUID (Argo CD: webhook.bitbucket.uuid). */
export const bitbucket: Provider = {
  name: 'bitbucket',
  secretNames: ['bitbucket'],
  eventOf: (headers) => (headers.has('x-hook-uuid') ? headers.get('x-event-key') : undefined),
  pushEvents: ['repo:push'],
  idleEvents: [],
  pullRequestEvents: ['pullrequest:created', 'pullrequest:updated', 'pullrequest:fulfilled', 'pullrequest:rejected'],
  isGenuine: ({ headers }, secret) => isSame(headers.get('x-hook-uuid'), secret),
  parse(payload) {
    const { repository, push: pushed } = push.parse(payload);
    return {
      repoURLs: [repository.links.html.href],
      changes: pushed.changes.map((change) => ({
        revision: change.new?.name ?? change.old?.name ?? '',
        shaBefore: change.old?.target.hash ?? '',
        shaAfter: change.new?.target.hash ?? '',
      })),
      touchedHead: true,
      changedFiles: [],
      isComplete: false,
    };
  },
  parsePullRequest(payload) {
    const [owner = '', repo = ''] = pullRequest.parse(payload).repository.full_name.split('/');
    return { host: 'bitbucket', owner, repo };
  },
};
