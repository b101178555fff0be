/** Code hosts that anybody may be told to ask: their addresses are well known, and they belong to nobody here. */
const publicHosts = [
  'https://api.github.com',
  'https://gitlab.com',
  'https://api.bitbucket.org',
  'https://dev.azure.com',
];

const awsHosts = /^https:\/\/(codecommit|tagging|sts)\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/;

/**
 * Says why an origin may not be asked by generators. Whoever may write an ApplicationSet could otherwise make the hub
 * reach what only the hub can reach, and hand a token to a host of his choice. `allowed` are hosts or URLs; without a
 * scheme https is meant.
 */
export function createHostRule(allowed: readonly string[]): (origin: string) => string | undefined {
  const origins = new Set([...publicHosts, ...allowed.map(originOf)]);
  return (origin) => {
    if (origins.has(origin) || awsHosts.test(origin)) return undefined;
    return `host ${origin} is not one that generators may ask; add it to WHEELHOUSE_GENERATOR_HOSTS of the hub`;
  };
}

function originOf(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).origin : text;
}
