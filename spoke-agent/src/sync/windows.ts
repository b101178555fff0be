import { whyWindowsForbid, windowsChangeAt } from '@wheelhouse/shared/schedule/sync-window';
import type { AppState, SyncContext } from './app-state.ts';
import { isAutomated } from './automated.ts';
import type { Operation } from './operation.ts';

type Now = Pick<SyncContext, 'clock'>;

/** Why the project's sync windows keep automation from syncing and healing now; undefined when they do not. */
export function whyAutomationWaits({ clock }: Now, { policy }: AppState): string | undefined {
  if (policy.windows.length === 0) return undefined;
  return whyWindowsForbid(policy.windows, { isManual: false, now: clock.now() });
}

/** Why an operation may not go on now. */
export function whyOperationWaits({ clock }: Now, { policy }: AppState, operation: Operation): string | undefined {
  if (policy.windows.length === 0) return undefined;
  const { startedAt } = operation;
  return whyWindowsForbid(policy.windows, { isManual: !isAutomated(operation), now: clock.now(), startedAt });
}

/** Timers do not reach further than a few weeks, and clocks are set. */
const maxAfterMs = 3_600_000;

/** When to look again because that may be different, in milliseconds; undefined without windows. */
export function windowsChangeAfter({ clock }: Now, { policy }: AppState): number | undefined {
  const now = clock.now();
  const at = windowsChangeAt(policy.windows, now);
  return at === undefined ? undefined : Math.min(maxAfterMs, Math.max(1, at - now));
}
