import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

export type ProviderName =
  | 'github'
  | 'gitlab'
  | 'bitbucket'
  | 'bitbucketServer'
  | 'gitea'
  | 'gogs'
  | 'azureDevOps'
  | 'ghcr'
  | 'harbor'
  | 'dockerHub'
  | 'quay';

export interface Change {
  /** Short name of the branch or tag. */
  revision: string;
  /** Commit ids, where the host says them; else empty. */
  shaBefore: string;
  shaAfter: string;
}

/** What a Git host says of a push, in one shape. */
export interface PushContent {
  /** URLs that the repository has on its host, of which any may be what an Application names. */
  repoURLs: string[];
  changes: Change[];
  /** The default branch moved; true also where the host does not tell. */
  touchedHead: boolean;
  /** Files of all its commits, as often as commits name them; empty where the host does not tell. */
  changedFiles: string[];
  /** Whether `changedFiles` is all that changed, as far as the host tells: not after a forced push, nor when it left commits out. */
  isComplete: boolean;
}

/** Of a call that needs an answer and nothing else. */
export const nothingPushed: PushContent = {
  repoURLs: [],
  changes: [],
  touchedHead: false,
  changedFiles: [],
  isComplete: false,
};

/** The repository of a pull request that was opened, changed or closed, as generators of pull requests name it. */
export type PullRequestContent =
  | { host: 'github'; owner: string; repo: string; apiHost: string }
  | { host: 'gitlab'; project: string; path: string; apiHost: string }
  | { host: 'gitea'; owner: string; repo: string; apiHost: string }
  | { host: 'bitbucket'; owner: string; repo: string }
  | { host: 'bitbucketServer'; project: string; repo: string }
  | { host: 'azuredevops'; project: string; repo: string };

export interface Call {
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: Buffer;
}

/** One Git host's webhooks: how to know them, whether they are genuine, what they say. */
export interface Provider {
  name: ProviderName;
  /** Whose secret its calls are signed with; the first that is set counts. */
  secretNames: readonly ProviderName[];
  /** The host's name for the event; undefined when the call is not from this host. Some hosts say it in the body only. */
  eventOf(headers: ReadonlyMap<string, string>, body: Buffer): string | undefined;
  pushEvents: readonly string[];
  /** Events that need an answer and nothing else. */
  idleEvents: readonly string[];
  /** Events that tell of a pull request. */
  pullRequestEvents: readonly string[];
  isGenuine(call: Call, secret: string): boolean;
  /** `payload` is any JSON value; throws ZodError when it is no push. */
  parse(payload: unknown, event: string): PushContent;
  /** Undefined when nothing changed that a generator reads, as after a comment. Throws ZodError like `parse`. */
  parsePullRequest(payload: unknown, event: string): PullRequestContent | undefined;
}

/** A commit of a push as most hosts write it. */
export const commits = z
  .array(
    z.object({
      added: z.array(z.string()).nullish(),
      modified: z.array(z.string()).nullish(),
      removed: z.array(z.string()).nullish(),
    }),
  )
  .nullish();

/** Argo CD: added, modified and removed, commit by commit. */
export function filesOf(pushed: z.infer<typeof commits>): string[] {
  return (pushed ?? []).flatMap(({ added, modified, removed }) =>
    [added, modified, removed].flatMap((one) => one ?? []),
  );
}

/** Host of a URL, in lower case; empty when it is no URL. */
export function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase() : '';
}

/** Whether `signature` (hex, after an optional `sha256=`) is the HMAC-SHA256 of the body. Takes the same time either way. */
export function isHmac(signature: string | undefined, body: Buffer, secret: string): boolean {
  const due = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from((signature ?? '').replace(/^sha256=/, ''), 'hex');
  return given.length === due.length && timingSafeEqual(given, due);
}

/** Compares through a digest, so that neither content nor length shows in the time it takes. */
export function isSame(given: string | undefined, secret: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(secret));
}

/** Short name of a ref: what follows the second slash (Argo CD: ParseRevision). */
export function shortRef(ref: string): string {
  return /^[^/]*\/(?:[^/]*\/)?(.*)$/s.exec(ref)?.[1] ?? ref;
}
