import { z } from 'zod';
import { github } from './github.ts';
import { nothingPushed, type Provider } from './provider.ts';

const text = z.string().default('');

const published = z.object({
  action: z.string(),
  package: z.object({
    name: z.string().min(1),
    package_type: text,
    owner: z.object({ login: z.string().min(1) }),
    package_version: z
      .object({ container_metadata: z.object({ tag: z.object({ name: text }).nullish() }).nullish() })
      .nullish(),
  }),
});

/** Packages of GitHub: a tag of an artifact or chart was pushed to ghcr.io. Signed as all of GitHub's calls. */
export const ghcr: Provider = {
  name: 'ghcr',
  secretNames: ['github'],
  eventOf: (headers) => (headers.get('x-github-event') === 'package' ? 'package' : undefined),
  pushEvents: ['package'],
  idleEvents: [],
  pullRequestEvents: [],
  isGenuine: github.isGenuine,
  parse(payload) {
    const { action, package: pushed } = published.parse(payload);
    const tag = pushed.package_version?.container_metadata?.tag?.name;
    if (action !== 'published' || pushed.package_type.toLowerCase() !== 'container' || !tag) return nothingPushed;
    return {
      ...nothingPushed,
      repoURLs: [`oci://ghcr.io/${pushed.owner.login}/${pushed.name}`],
      changes: [{ revision: tag, shaBefore: '', shaAfter: '' }],
      touchedHead: true,
    };
  },
  parsePullRequest: () => undefined,
};
