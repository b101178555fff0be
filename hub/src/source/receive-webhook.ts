import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { SourceLocation } from './location.ts';
import { filesChanged, refreshPathsOf } from './refresh-paths.ts';
import type { PullRequestContent } from './webhook/provider.ts';
import {
  affects,
  matcherOf,
  type PullRequestEvent,
  type PushEvent,
  parsePullRequestEvent,
  parsePushEvent,
  type WebhookSecrets,
} from './webhook.ts';

export interface WebhookDeps {
  logger: Logger;
  secrets: WebhookSecrets;
  /** Repositories that something reads, each with the revisions that are read. */
  wanted(): Map<string, readonly SourceLocation[]>;
  /** Who reads something at a location: Applications, and whether a generator does too. */
  readers(location: SourceLocation): { applications: Application[]; generators: boolean };
  source(url: string): Promise<void>;
  /** Evaluates the ApplicationSets that list this repository's pull requests; returns how many there are. */
  pullRequest(content: PullRequestContent): Promise<number>;
  observe(provider: string, outcome: 'accepted' | 'refused' | 'ignored'): void;
}

interface ReceivedCall {
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/**
 * Takes a Git host's call and looks at once at every repository that it means, or at its pull requests. Throws Forbidden
 * for a bad signature.
 */
export async function receiveWebhook(call: ReceivedCall, deps: WebhookDeps): Promise<void> {
  const event = parse(() => parsePullRequestEvent({ ...call, secrets: deps.secrets }), deps);
  if (event) return await receivePullRequest(event, deps);
  const push = parse(() => parsePushEvent({ ...call, secrets: deps.secrets }), deps);
  if (push) return await receivePush(push, deps);
  deps.observe('unknown', 'ignored');
  throw new FleetError(
    'Malformed',
    'no Git host sends such a call: expected an event of GitHub, GitLab, Bitbucket, Gitea, Gogs, Azure DevOps or Harbor; Docker Hub and Quay have addresses of their own, /api/webhook/docker-hub and /api/webhook/quay',
  );
}

async function receivePush(push: PushEvent, deps: WebhookDeps): Promise<void> {
  const isPushed = matcherOf(push.repoURLs);
  const meant = [...deps.wanted()].filter(([url, locations]) =>
    locations.some(
      (location) =>
        isPushed(addressOf(location, url)) && affects(push, location.targetRevision) && isRead(push, location, deps),
    ),
  );
  deps.observe(push.provider, meant.length > 0 ? 'accepted' : 'ignored');
  deps.logger.info(
    { provider: push.provider, revisions: push.changes.map((change) => change.revision), repositories: meant.length },
    'webhook',
  );
  await Promise.all(meant.map(async ([url]) => await deps.source(url)));
}

/** A chart of a registry is a repository of its own there. */
function addressOf({ chart }: SourceLocation, url: string): string {
  return chart ? `${url.replace(/\/+$/u, '')}/${chart}` : url;
}

/**
 * Argo CD: the annotation manifest-generate-paths. A push below none of the paths that its readers name is not looked at
 * now; the next poll does, so a list of files that is wrong costs time and nothing else.
 */
function isRead(push: PushEvent, at: SourceLocation, deps: WebhookDeps): boolean {
  if (!push.isComplete || push.changedFiles.length === 0) return true;
  const { applications, generators } = deps.readers(at);
  return (
    generators ||
    applications.length === 0 ||
    applications.some((application) => filesChanged(refreshPathsOf(application), push.changedFiles))
  );
}

async function receivePullRequest({ provider, pullRequest }: PullRequestEvent, deps: WebhookDeps): Promise<void> {
  const count = pullRequest === undefined ? 0 : await deps.pullRequest(pullRequest);
  deps.observe(provider, count > 0 ? 'accepted' : 'ignored');
  deps.logger.info({ provider, applicationSets: count }, 'webhook of a pull request');
}

function parse<T>(read: () => T, deps: WebhookDeps): T {
  try {
    return read();
  } catch (error) {
    deps.observe('unknown', 'refused');
    throw toFleetError(error, 'Malformed');
  }
}
