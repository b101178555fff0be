import { isSame, nothingPushed, type Provider, type PushContent } from './provider.ts';

/** Registries whose calls say neither where they come from nor that they are genuine: each has an address of its own, with a token in it. */
export const registries = ['docker-hub', 'quay'] as const;
export type Registry = (typeof registries)[number];

const registryHeader = 'x-wheelhouse-registry';
const tokenHeader = 'x-wheelhouse-registry-token';

/** What the address of a call says, where hosts say it in headers. */
export function registryHeaders(registry: Registry, token: string): Record<string, string> {
  return { [registryHeader]: registry, [tokenHeader]: token };
}

/** What these registries have in common: the address tells the registry, and the token in it is the secret. */
export function registryProvider(
  name: Extract<Provider['name'], 'dockerHub' | 'quay'>,
  registry: Registry,
  parse: Provider['parse'],
): Provider {
  return {
    name,
    secretNames: [name],
    eventOf: (headers) => (headers.get(registryHeader) === registry ? 'push' : undefined),
    pushEvents: ['push'],
    idleEvents: [],
    pullRequestEvents: [],
    isGenuine: ({ headers }, secret) => isSame(headers.get(tokenHeader), secret),
    parse,
    parsePullRequest: () => undefined,
  };
}

/** Tags of a repository that were pushed, by the names that Applications may have for it. */
export function tagsPushed(repositories: readonly string[], tags: readonly string[]): PushContent {
  if (tags.length === 0) return nothingPushed;
  return {
    ...nothingPushed,
    repoURLs: repositories.map((repository) => `oci://${repository}`),
    changes: tags.map((tag) => ({ revision: tag, shaBefore: '', shaAfter: '' })),
    touchedHead: true,
  };
}
