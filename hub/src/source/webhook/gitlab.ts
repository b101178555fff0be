import { z } from 'zod';
import { commits, filesOf, hostnameOf, isSame, type Provider, shortRef } from './provider.ts';

const push = z.object({
  object_kind: z.string().default(''),
  ref: z.string().default(''),
  before: z.string().default(''),
  after: z.string().default(''),
  commits,
  project: z.object({ web_url: z.string().default(''), default_branch: z.string().default('') }).prefault({}),
});

const mergeRequest = z.object({
  project: z.object({ web_url: z.string(), path_with_namespace: z.string().default('') }),
  object_attributes: z.object({ action: z.string().default(''), target_project_id: z.int() }),
});

/** Argo CD: what changes the list of merge requests, or what a generator reads of one. */
const changing = new Set(['open', 'close', 'reopen', 'update', 'merge']);

export const gitlab: Provider = {
  name: 'gitlab',
  secretNames: ['gitlab'],
  eventOf: (headers) => headers.get('x-gitlab-event'),
  pushEvents: ['Push Hook', 'Tag Push Hook', 'System Hook'],
  idleEvents: [],
  pullRequestEvents: ['Merge Request Hook'],
  isGenuine: ({ headers }, secret) => isSame(headers.get('x-gitlab-token'), secret),
  parse(payload) {
    const { object_kind: kind, ref, before, after, project, commits: pushed } = push.parse(payload);
    const revision = shortRef(ref);
    // a system hook tells of everything on the host, pushes among them
    const isPush = kind === 'push' || kind === 'tag_push';
    return {
      repoURLs: isPush ? [project.web_url] : [],
      changes: isPush ? [{ revision, shaBefore: before, shaAfter: after }] : [],
      touchedHead: kind === 'push' && revision === project.default_branch,
      changedFiles: isPush ? filesOf(pushed) : [],
      // nothing tells a forced push, after which what the commits taken away had changed is in no list
      isComplete: false,
    };
  },
  parsePullRequest(payload) {
    const { project, object_attributes: request } = mergeRequest.parse(payload);
    if (!changing.has(request.action)) return undefined;
    return {
      host: 'gitlab',
      project: String(request.target_project_id),
      path: project.path_with_namespace,
      apiHost: hostnameOf(project.web_url),
    };
  },
};
