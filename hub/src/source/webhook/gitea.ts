import { parseGiteaPullRequest, parseGiteaPush } from './github.ts';
import { isHmac, type Provider } from './provider.ts';

/** Gitea and Forgejo. They send the headers of Gogs and GitHub too, so they are asked first; Argo CD calls their secret gogs. */
export const gitea: Provider = {
  name: 'gitea',
  secretNames: ['gitea', 'gogs'],
  eventOf: (headers) => headers.get('x-gitea-event'),
  pushEvents: ['push'],
  idleEvents: ['ping'],
  pullRequestEvents: ['pull_request', 'pull_request_sync', 'pull_request_label'],
  isGenuine: ({ headers, body }, secret) => isHmac(headers.get('x-gitea-signature'), body, secret),
  parse: parseGiteaPush,
  parsePullRequest: parseGiteaPullRequest,
};
