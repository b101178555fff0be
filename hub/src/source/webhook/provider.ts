import { createHmac, timingSafeEqual } from 'node:crypto';

export type ProviderName = 'github' | 'gitlab' | 'bitbucket' | 'bitbucketServer' | 'gitea' | 'gogs';

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
}

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
  /** The host's name for the event; undefined when the call is not from this host. */
  eventOf(headers: ReadonlyMap<string, string>): string | undefined;
  pushEvents: readonly string[];
  /** Events that need an answer and nothing else. */
  idleEvents: readonly string[];
  isGenuine(call: Call, secret: string): boolean;
  /** `payload` is any JSON value; throws ZodError when it is no push. */
  parse(payload: unknown, event: string): PushContent;
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
