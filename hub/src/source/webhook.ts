// Webhooks: what a Git host's call says, whether it is genuine, and which repositories and revisions it is about.
// In: headers and body as received. Out: a PushEvent, which is a hint to look at the repository now, never the truth.
// Must never: act on a call that is not genuine once a secret is set, or believe a commit id in a payload.
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { satisfies } from './version-constraint.ts';
import { azureDevOps } from './webhook/azure-devops.ts';
import { bitbucket } from './webhook/bitbucket.ts';
import { bitbucketServer } from './webhook/bitbucket-server.ts';
import { dockerHub } from './webhook/docker-hub.ts';
import { ghcr } from './webhook/ghcr.ts';
import { gitea } from './webhook/gitea.ts';
import { github } from './webhook/github.ts';
import { gitlab } from './webhook/gitlab.ts';
import { gogs } from './webhook/gogs.ts';
import { harbor } from './webhook/harbor.ts';
import {
  nothingPushed,
  type Provider,
  type ProviderName,
  type PullRequestContent,
  type PushContent,
  shortRef,
} from './webhook/provider.ts';
import { quay } from './webhook/quay.ts';

export interface PushEvent extends PushContent {
  provider: ProviderName;
}

export interface PullRequestEvent {
  provider: ProviderName;
  /** Undefined when nothing changed that a generator reads. */
  pullRequest: PullRequestContent | undefined;
}

/** Shared secrets by host (Argo CD: webhook.github.secret and so on in argocd-secret). */
export type WebhookSecrets = Partial<Record<ProviderName, string>>;

export interface WebhookCall {
  /** As node:http gives them. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  body: Buffer;
  secrets: WebhookSecrets;
}

/** Argo CD: webhook.maxPayloadSizeMB. */
export const maxPayloadBytes = 50 << 20;

const unread = Buffer.alloc(0);

/**
 * The order matters: the address of a call says more than any header, Gitea sends the headers of Gogs and GitHub too, GitHub's packages are a registry's, Bitbucket Cloud sends those of
 * Bitbucket Server, and Harbor none that others do not.
 */
const providers: readonly Provider[] = [
  dockerHub,
  quay,
  gitea,
  gogs,
  ghcr,
  github,
  gitlab,
  bitbucket,
  bitbucketServer,
  azureDevOps,
  harbor,
];

/**
 * Reads a call. Undefined when no known host sent it; no changes when there is nothing to do (a ping). Throws TooLarge, Forbidden
 * when a secret is set and the call is not signed with it, Malformed for a body that is no push, Invalid for another event.
 */
export function parsePushEvent(call: WebhookCall): PushEvent | undefined {
  const known = recognize(call);
  if (!known) return undefined;
  const { provider, event } = known;
  const { name } = provider;
  if (provider.idleEvents.includes(event) || isQuietPullRequest(provider, event))
    return { provider: name, ...nothingPushed };
  if (!provider.pushEvents.includes(event))
    throw new FleetError(
      'Invalid',
      `${name} event "${event}" is neither a push nor a pull request; let the webhook send those only`,
    );
  const content = parseBody(provider, () => provider.parse(bodyOf(call), event));
  assertFew(content, name);
  return { provider: name, ...content };
}

/** Each is compared with all that is read, whoever calls. A push is to one repository, which Docker Hub has four names for. */
const mostRepositories = 10;
const mostRevisions = 1_000;
const longestAddress = 2_048;

function assertFew({ repoURLs, changes }: PushContent, provider: ProviderName): void {
  if (repoURLs.some((url) => url.length > longestAddress))
    throw new FleetError(
      'TooLarge',
      `the webhook call from ${provider} names a repository by more than ${longestAddress} characters: the next poll finds what was pushed`,
    );
  if (repoURLs.length <= mostRepositories && changes.length <= mostRevisions) return;
  throw new FleetError(
    'TooLarge',
    `the webhook call from ${provider} names ${changes.length} revisions of ${repoURLs.length} repositories, and is read up to ${mostRevisions} of ${mostRepositories}: the next poll finds what was pushed`,
  );
}

/** Reads a call that tells of a pull request; undefined for every other call. Throws as `parsePushEvent`. */
export function parsePullRequestEvent(call: WebhookCall): PullRequestEvent | undefined {
  const known = recognize(call);
  if (!known?.provider.pullRequestEvents.includes(known.event)) return undefined;
  const { provider, event } = known;
  const pullRequest = parseBody(provider, () => provider.parsePullRequest(bodyOf(call), event));
  return { provider: provider.name, pullRequest };
}

/** Argo CD: Azure DevOps is told apart by its body, so where only pushes count its pull requests are nothing to do. */
function isQuietPullRequest(provider: Provider, event: string): boolean {
  return provider === azureDevOps && provider.pullRequestEvents.includes(event);
}

/** Which host sent the call, and that it is genuine. */
function recognize(call: WebhookCall): { provider: Provider; event: string } | undefined {
  if (call.body.length > maxPayloadBytes)
    throw new FleetError(
      'TooLarge',
      `the webhook's body of ${call.body.length} bytes is over the limit of ${maxPayloadBytes}`,
    );
  const headers = new Map(
    Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), String(value ?? '')]),
  );
  // no host is told by the body, which is read once it is known to be genuine
  const provider = providers.find((one) => one.eventOf(headers, unread) !== undefined);
  if (!provider) return undefined;
  assertGenuine(provider, { headers, body: call.body }, call.secrets);
  return { provider, event: provider.eventOf(headers, call.body) ?? '' };
}

/**
 * Tells whether a repository at one of `webUrls`, as a host names it, is the one that an Application calls `repoURL`: any protocol,
 * user, port, `ssh.` or `altssh.` in front, `.git` behind, and any case (Argo CD: GetWebURLRegex). One expression for the whole call,
 * as anybody may call and all that is read is compared with it.
 */
export function matcherOf(webUrls: readonly string[]): (repoURL: string) => boolean {
  const addresses = webUrls.flatMap(addressPattern);
  if (addresses.length === 0) return () => false;
  const before = String.raw`(?:(?:https?|ssh|oci)://)?(?:[\w.$-]{1,32}@)?(?:(?:alt)?ssh\.)?`;
  const pattern = new RegExp(String.raw`^${before}(?:${addresses.join('|')})(?:\.git)?$`, 'i');
  return (repoURL) => pattern.test(repoURL);
}

/** Host and path of a URL as an expression; none when it is no URL. */
function addressPattern(webUrl: string): string[] {
  const parts = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/:?#]+)(?::\d*)?\/([^?#]*)/i.exec(webUrl);
  const [host, path] = parts?.slice(1).map(escapeRegExp) ?? [];
  return host === undefined || path === undefined ? [] : [String.raw`${host}(?::\d+)?[:/]${path}`];
}

/**
 * Whether a push changes what `targetRevision` stands for: HEAD when the default branch moved, the same branch or tag, or a
 * constraint that the pushed tag satisfies (Argo CD: sourceRevisionHasChanged).
 */
export function affects(push: Pick<PushEvent, 'changes' | 'touchedHead'>, targetRevision: string): boolean {
  const short = shortRef(targetRevision);
  if (short === '' || short === 'HEAD') return push.touchedHead;
  const wanted = /^refs\/(heads|tags)\//.test(targetRevision) ? short : targetRevision;
  return push.changes.some(({ revision }) => revision === wanted || satisfies(revision, wanted));
}

/** With any secret set, a host without one is refused too: else a forger would only have to pose as that host. */
function assertGenuine(provider: Provider, call: Parameters<Provider['isGenuine']>[0], secrets: WebhookSecrets): void {
  const secret = provider.secretNames.map((name) => secrets[name]).find(Boolean);
  if (!secret && !Object.values(secrets).some(Boolean)) return;
  if (!secret)
    throw new FleetError(
      'Forbidden',
      `webhook calls from ${provider.name} are refused: set its secret, as other hosts have one`,
    );
  if (!provider.isGenuine(call, secret))
    throw new FleetError(
      'Forbidden',
      `the webhook call from ${provider.name} is not signed with the secret set for it; set the same on both sides`,
    );
}

function bodyOf(call: WebhookCall): unknown {
  return JSON.parse(call.body.toString('utf8'));
}

function parseBody<T>(provider: Provider, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new FleetError(
      'Malformed',
      `the ${provider.name} webhook's body is not what its event says; set its content type to application/json`,
      { cause },
    );
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
