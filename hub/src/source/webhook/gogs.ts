import { parseGiteaPush } from './github.ts';
import { isHmac, type Provider } from './provider.ts';

export const gogs: Provider = {
  name: 'gogs',
  secretNames: ['gogs'],
  eventOf: (headers) => headers.get('x-gogs-event'),
  pushEvents: ['push'],
  idleEvents: ['ping'],
  pullRequestEvents: [],
  isGenuine: ({ headers, body }, secret) => isHmac(headers.get('x-gogs-signature'), body, secret),
  parse: parseGiteaPush,
  parsePullRequest: () => undefined,
};
