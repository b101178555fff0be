import { z } from 'zod';
import { isHmac, type Provider, shortRef } from './provider.ts';

/** A push as GitHub, Gogs and Gitea write it; what is missing counts as empty, as in Argo CD. */
const push = z.object({
  ref: z.string().default(''),
  before: z.string().default(''),
  after: z.string().default(''),
  repository: z.object({ html_url: z.string().default(''), default_branch: z.string().default('') }).prefault({}),
});

export const github: Provider = {
  name: 'github',
  secretNames: ['github'],
  eventOf: (headers) => headers.get('x-github-event'),
  pushEvents: ['push'],
  idleEvents: ['ping'],
  isGenuine: ({ headers, body }, secret) => isHmac(headers.get('x-hub-signature-256'), body, secret),
  parse: parseGithubPush,
};

export function parseGithubPush(payload: unknown): ReturnType<Provider['parse']> {
  const { ref, before, after, repository } = push.parse(payload);
  const revision = shortRef(ref);
  return {
    repoURLs: [repository.html_url],
    changes: [{ revision, shaBefore: before, shaAfter: after }],
    touchedHead: revision === repository.default_branch,
  };
}
