export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface RateAnswer {
  status: number;
  headers: Headers;
}

const maxBlockMs = 3_600_000;

/**
 * When a host wants to be asked again, in Unix milliseconds; undefined when it may be asked now. Understands Retry-After
 * (RFC 9110), the X-RateLimit headers of GitHub, Gitea and Azure DevOps, and GitLab's RateLimit ones. A host that
 * refuses without saying until when is left alone for a minute, and none for more than an hour.
 */
export function blockedUntil(answer: RateAnswer, now: number): number | undefined {
  const until = readUntil(answer, now);
  return until === undefined ? undefined : Math.min(until, now + maxBlockMs);
}

function readUntil(answer: RateAnswer, now: number): number | undefined {
  const { status, headers } = answer;
  const isRefused = isRateLimited(answer);
  const retryAfter = parseRetryAfter(text(headers, 'retry-after'), now);
  if (retryAfter !== undefined && (isRefused || status === 503 || status < 300)) return retryAfter;
  const reset = isExhausted(headers) ? parseReset(headers, now) : undefined;
  return reset ?? (isRefused ? now + 60_000 : undefined);
}

function isExhausted(headers: Headers): boolean {
  return (text(headers, 'x-ratelimit-remaining') ?? text(headers, 'ratelimit-remaining')) === '0';
}

/** Whether an answer refuses because too much was asked, and not because of rights. */
export function isRateLimited({ status, headers }: RateAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return text(headers, 'retry-after') !== undefined || isExhausted(headers);
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return now + Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

/** Unix seconds with most hosts, seconds from now with some. */
function parseReset(headers: Headers, now: number): number | undefined {
  const value = text(headers, 'x-ratelimit-reset') ?? text(headers, 'ratelimit-reset');
  if (value === undefined || !/^\d+$/.test(value)) return undefined;
  const seconds = Number(value);
  return seconds > 1_000_000_000 ? seconds * 1_000 : now + seconds * 1_000;
}
