import { listsPullRequestOf } from '@wheelhouse/hub/generate/generators/pull-request-event';
import {
  affects,
  matcherOf,
  parsePullRequestEvent,
  parsePushEvent,
  type WebhookCall,
} from '@wheelhouse/hub/source/webhook';
import { shortRef } from '@wheelhouse/hub/source/webhook/provider';
import type { Generator } from '@wheelhouse/shared/resources/generator';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface Input {
  headers: Record<string, string>;
  body: unknown;
  webURL: string;
  repoURL: string;
  revision: string;
  targetRevision: string;
  touchedHead: boolean;
  ref: string;
}

interface WebhooksCase extends Case {
  area: string;
  input: Input;
}

type Verdict = string | undefined;

const judges: Record<string, (testCase: WebhooksCase) => Verdict> = {
  parse: judgeParse,
  applicationset: judgeApplicationSet,
  urlMatch: ({ input, expected }) => whyDifferent(matcherOf([input.webURL])(input.repoURL), expected),
  revisionMatches: ({ input, expected }) => {
    const changes = [{ revision: input.revision, shaBefore: '', shaAfter: '' }];
    return whyDifferent(affects({ changes, touchedHead: input.touchedHead }, input.targetRevision), expected);
  },
  parseRevision: ({ input, expected }) => whyDifferent(shortRef(input.ref), expected),
};

/** What Git hosts' calls say, and what they refresh. */
export const argocdWebhooks: Suite = {
  name: 'argocd/webhooks',
  kind: 'file',
  run: (path) =>
    judgeCases<WebhooksCase>(path, (testCase) => {
      const judge = judges[testCase.area.replace('webhooks.', '')];
      return judge === undefined ? `area ${testCase.area} is unknown` : judge(testCase);
    }),
};

function callOf({ headers, body }: Input): WebhookCall {
  return { headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), secrets: {} };
}

/** Argo CD has one endpoint for pushes and one for pull requests; this is the first. */
function judgeParse({ input, expected }: WebhooksCase): Verdict {
  let event: ReturnType<typeof parsePushEvent>;
  try {
    event = parsePushEvent(callOf(input));
  } catch (error) {
    return expectsError(expected) ? undefined : `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (expectsError(expected)) return `is ${JSON.stringify(event)}, expected an error`;
  const { payloadType: _, httpStatus: _status, ...wanted } = expected as Record<string, unknown>;
  if (event === undefined) return whyDifferent({ handled: false }, wanted);
  const { repoURLs, touchedHead, changedFiles, changes } = event;
  const first = changes[0] ?? { revision: '', shaBefore: '', shaAfter: '' };
  const lists = { repoURLs: orNull(repoURLs), changedFiles: orNull(changedFiles) };
  return whyDifferent({ handled: true, ...lists, touchedHead, ...first }, wanted);
}

function orNull(list: string[]): string[] | null {
  return list.length === 0 ? null : list;
}

interface ExpectedRefresh {
  git: { revision: string; touchedHead: boolean } | null;
  generators: (Generator & { refresh: boolean })[];
}

function judgeApplicationSet({ input, expected }: WebhooksCase): Verdict {
  const { git, generators } = expected as ExpectedRefresh;
  const call = callOf(input);
  const event = parsePullRequestEvent(call);
  const push = event ? undefined : parsePushEvent(call);
  const refreshed = generators.map(({ refresh: _, ...generator }) => {
    if (generator.git === undefined)
      return event?.pullRequest !== undefined && listsPullRequestOf(event.pullRequest, [generator]);
    const { repoURL, revision } = generator.git;
    return push !== undefined && matcherOf(push.repoURLs)(repoURL) && affects(push, revision);
  });
  return (
    whyDifferent(
      refreshed,
      generators.map(({ refresh }) => refresh),
    ) ??
    (git === null
      ? undefined
      : whyDifferent([push?.changes[0]?.revision, push?.touchedHead], [git.revision, git.touchedHead]))
  );
}
