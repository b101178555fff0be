import { z } from 'zod';
import { isSame, nothingPushed, type Provider } from './provider.ts';

const event = z.object({ type: z.string() });

const pushed = z.object({
  event_data: z.object({
    resources: z.array(z.object({ tag: z.string().default(''), resource_url: z.string().default('') })),
  }),
});

/** Harbor, in its default format. It signs nothing: the secret is the "auth header" of the webhook, without which it is not known. */
export const harbor: Provider = {
  name: 'harbor',
  secretNames: ['harbor'],
  eventOf: (headers, body) => (headers.has('authorization') ? typeIn(body) : undefined),
  pushEvents: ['PUSH_ARTIFACT'],
  idleEvents: [],
  pullRequestEvents: [],
  isGenuine: ({ headers }, secret) => isSame(headers.get('authorization'), secret),
  parse(payload) {
    const tagged = pushed.parse(payload).event_data.resources.flatMap(({ tag, resource_url: url }) => {
      // HOST/PROJECT/REPOSITORY:TAG
      const end = `:${tag}`;
      return tag && url.endsWith(end) ? [{ tag, repository: url.slice(0, -end.length) }] : [];
    });
    if (tagged.length === 0) return nothingPushed;
    return {
      ...nothingPushed,
      repoURLs: [...new Set(tagged.map(({ repository }) => `oci://${repository.replace(/^[a-z]+:\/\//u, '')}`))],
      changes: tagged.map(({ tag }) => ({ revision: tag, shaBefore: '', shaAfter: '' })),
      touchedHead: true,
    };
  },
  parsePullRequest: () => undefined,
};

/** The event's name, which only the body says; empty when the body is no event. */
function typeIn(body: Buffer): string {
  try {
    return event.parse(JSON.parse(body.toString('utf8'))).type;
  } catch {
    // the caller says that this is no event it knows
    return '';
  }
}
