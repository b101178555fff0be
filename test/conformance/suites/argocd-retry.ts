import { assignedRetry, whyRetryInvalid } from '@wheelhouse/hub/assign/retry';
import type { RetryStrategy } from '@wheelhouse/shared/resources/sync-policy';
import { retryWaitMs } from '@wheelhouse/spoke-agent/sync/retry';
import { type Case, expectsError, judgeCases, type Verdict, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface RetryCase extends Case {
  area: string;
  input: { retry: RetryStrategy; lastAttempt: string; retryCounts: number };
}

/** When a sync that failed is tried again: what the hub reads of the Application, and what the agent makes of that. */
export const argocdRetry: Suite = {
  name: 'argocd/retry',
  kind: 'file',
  run: (path) =>
    judgeCases<RetryCase>(path, ({ area, input, expected }): Verdict => {
      if (area !== 'retry.nextRetryAt') return `area ${area} is unknown`;
      const invalid = whyRetryInvalid(input.retry);
      if (expectsError(expected)) return invalid === undefined ? 'is valid, expected an error' : undefined;
      if (invalid !== undefined) return `is invalid: ${invalid}`;
      const waitMs = retryWaitMs(assignedRetry(input.retry).backoff, input.retryCounts);
      const { waitNs, at } = expected as { waitNs: number; at: string };
      const actual = { waitNs: waitMs * 1e6, at: Date.parse(input.lastAttempt) + waitMs };
      return whyDifferent(actual, { waitNs, at: Date.parse(at) });
    }),
};
