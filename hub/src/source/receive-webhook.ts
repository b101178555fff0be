import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { affects, designates, parsePushEvent, type WebhookSecrets } from './webhook.ts';

export interface WebhookDeps {
  logger: Logger;
  secrets: WebhookSecrets;
  /** Repositories that something reads, each with the revisions that are read. */
  wanted(): Map<string, Set<string>>;
  source(url: string): Promise<void>;
  observe(provider: string, outcome: 'accepted' | 'refused' | 'ignored'): void;
}

/** Takes a Git host's call and looks at once at every repository that it means. Throws Forbidden for a bad signature. */
export async function receiveWebhook(
  call: { headers: Record<string, string | string[] | undefined>; body: Buffer },
  deps: WebhookDeps,
): Promise<void> {
  const push = parse(call, deps);
  if (!push) {
    deps.observe('unknown', 'ignored');
    throw new FleetError(
      'Malformed',
      'no Git host sends such a call: expected a push event of GitHub, GitLab, Bitbucket Server, Gitea or Gogs',
    );
  }
  const meant = [...deps.wanted()].filter(
    ([url, revisions]) =>
      push.repoURLs.some((webUrl) => designates(webUrl, url)) &&
      [...revisions].some((revision) => affects(push, revision)),
  );
  deps.observe(push.provider, meant.length > 0 ? 'accepted' : 'ignored');
  deps.logger.info(
    { provider: push.provider, revisions: push.changes.map((change) => change.revision), repositories: meant.length },
    'webhook',
  );
  await Promise.all(meant.map(async ([url]) => await deps.source(url)));
}

function parse(call: { headers: Record<string, string | string[] | undefined>; body: Buffer }, deps: WebhookDeps) {
  try {
    return parsePushEvent({ ...call, secrets: deps.secrets });
  } catch (error) {
    deps.observe('unknown', 'refused');
    throw toFleetError(error, 'Malformed');
  }
}
