import { parseDuration, parseGoDuration } from '@wheelhouse/shared/config/duration';
import type { AssignedPolicy } from '@wheelhouse/shared/protocol/document';
import type { RetryStrategy } from '@wheelhouse/shared/resources/sync-policy';

type Duration = number | string | undefined;

/** Argo CD: retry defaults 5 s, factor 2, at most 3 min; a bare number is seconds; a maximum that is not above 0 is none. */
export function assignedRetry({ limit = 0, backoff = {} }: RetryStrategy): NonNullable<AssignedPolicy['retry']> {
  const { duration, factor = 2, maxDuration } = backoff;
  return {
    limit,
    backoff: {
      durationMs: durationMs(duration) ?? 5_000,
      factor,
      maxDurationMs: durationMs(maxDuration) ?? 180_000,
    },
  };
}

/** What of a retry is no duration, or a negative wait; Argo CD says so only when a sync has failed. */
export function whyRetryInvalid({ backoff = {} }: RetryStrategy): string | undefined {
  const { duration, maxDuration } = backoff;
  const example = 'write it as "5s" or "1m30s"';
  if (isGiven(duration) && !((durationMs(duration) ?? -1) >= 0))
    return `retry.backoff.duration "${duration}" is no duration; ${example}`;
  if (isGiven(maxDuration) && durationMs(maxDuration) === undefined)
    return `retry.backoff.maxDuration "${maxDuration}" is no duration; ${example}`;
  return undefined;
}

function isGiven(duration: Duration): boolean {
  return duration !== undefined && duration !== '';
}

function durationMs(duration: Duration): number | undefined {
  const text = String(duration ?? '');
  return parseDuration(text) ?? parseGoDuration(text);
}
