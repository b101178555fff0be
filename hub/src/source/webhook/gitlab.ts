import { z } from 'zod';
import { isSame, type Provider, shortRef } from './provider.ts';

const push = z.object({
  object_kind: z.string().default(''),
  ref: z.string().default(''),
  before: z.string().default(''),
  after: z.string().default(''),
  project: z.object({ web_url: z.string().default(''), default_branch: z.string().default('') }).prefault({}),
});

export const gitlab: Provider = {
  name: 'gitlab',
  secretNames: ['gitlab'],
  eventOf: (headers) => headers.get('x-gitlab-event'),
  pushEvents: ['Push Hook', 'Tag Push Hook', 'System Hook'],
  idleEvents: [],
  isGenuine: ({ headers }, secret) => isSame(headers.get('x-gitlab-token'), secret),
  parse(payload) {
    const { object_kind: kind, ref, before, after, project } = push.parse(payload);
    const revision = shortRef(ref);
    // a system hook tells of everything on the host, pushes among them
    const isPush = kind === 'push' || kind === 'tag_push';
    return {
      repoURLs: isPush ? [project.web_url] : [],
      changes: isPush ? [{ revision, shaBefore: before, shaAfter: after }] : [],
      touchedHead: kind === 'push' && revision === project.default_branch,
    };
  },
};
