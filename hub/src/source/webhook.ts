// Webhooks: what a Git host's call says, whether it is genuine, and which repositories and revisions it is about.
// In: headers and body as received. Out: a PushEvent, which is a hint to look at the repository now, never the truth.
// Must never: act on a call that is not genuine once a secret is set, or believe a commit id in a payload.
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { satisfies } from './version-constraint.ts';
import { bitbucket } from './webhook/bitbucket.ts';
import { bitbucketServer } from './webhook/bitbucket-server.ts';
import { gitea } from './webhook/gitea.ts';
import { github } from './webhook/github.ts';
import { gitlab } from './webhook/gitlab.ts';
import { gogs } from './webhook/gogs.ts';
import { type Provider, type ProviderName, type PushContent, shortRef } from './webhook/provider.ts';

export interface PushEvent extends PushContent {
  provider: ProviderName;
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

/** The order matters: Gitea sends the headers of Gogs and GitHub too, and Bitbucket Cloud those of Bitbucket Server. */
const providers: readonly Provider[] = [gitea, gogs, github, gitlab, bitbucket, bitbucketServer];

/**
 * Reads a call. Undefined when no known host sent it; no changes when there is nothing to do (a ping). Throws TooLarge, Forbidden
 * when a secret is set and the call is not signed with it, Malformed for a body that is no push, Invalid for another event.
 */
export function parsePushEvent(call: WebhookCall): PushEvent | undefined {
  if (call.body.length > maxPayloadBytes)
    throw new FleetError(
      'TooLarge',
      `the webhook's body of ${call.body.length} bytes is over the limit of ${maxPayloadBytes}`,
    );
  const headers = new Map(
    Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), String(value ?? '')]),
  );
  const found = findProvider(headers);
  if (!found) return undefined;
  const { provider, event } = found;
  assertGenuine(provider, { headers, body: call.body }, call.secrets);
  const { name } = provider;
  if (provider.idleEvents.includes(event)) return { provider: name, repoURLs: [], changes: [], touchedHead: false };
  if (!provider.pushEvents.includes(event))
    throw new FleetError('Invalid', `${name} event "${event}" is not a push; let the webhook send push events only`);
  return { provider: name, ...parseBody(provider, event, call.body) };
}

/**
 * Whether the repository at `webUrl`, as a host names it, is the one that an Application calls `repoURL`: any protocol, user, port,
 * `ssh.` or `altssh.` in front, `.git` behind, and any case (Argo CD: GetWebURLRegex).
 */
export function designates(webUrl: string, repoURL: string): boolean {
  const parts = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/:?#]+)(?::\d*)?\/([^?#]*)/i.exec(webUrl);
  if (!parts) return false;
  const [host = '', path = ''] = parts.slice(1).map(escapeRegExp);
  const pattern = `^(?:(?:https?|ssh)://)?(?:[\\w.$-]{1,32}@)?(?:(?:alt)?ssh\\.)?${host}(?::\\d+)?[:/]${path}(?:\\.git)?$`;
  return new RegExp(pattern, 'i').test(repoURL);
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

function findProvider(headers: ReadonlyMap<string, string>): { provider: Provider; event: string } | undefined {
  for (const provider of providers) {
    const event = provider.eventOf(headers);
    if (event !== undefined) return { provider, event };
  }
  return undefined;
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

function parseBody(provider: Provider, event: string, body: Buffer): PushContent {
  try {
    return provider.parse(JSON.parse(body.toString('utf8')), event);
  } catch (cause) {
    throw new FleetError(
      'Malformed',
      `the ${provider.name} webhook's body is no push; set its content type to application/json`,
      { cause },
    );
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
