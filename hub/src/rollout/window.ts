import { parseDuration } from '@wheelhouse/shared/config/duration';
import type { ChangeWindow } from '@wheelhouse/shared/resources/fleet-rollout';
import { Cron } from 'croner';

/** Whether a step may begin something now; when it may not, when the next window opens. */
export type WindowState = { open: true } | { open: false; opensAt?: Date };

/** Without windows always open. Windows that overlap count as one. */
export function windowState(windows: readonly ChangeWindow[], now: Date): WindowState {
  if (windows.length === 0 || windows.some((window) => isOpen(window, now))) return { open: true };
  const openings = windows.flatMap((window) => cronOf(window).nextRun(now)?.getTime() ?? []);
  return openings.length > 0 ? { open: false, opensAt: new Date(Math.min(...openings)) } : { open: false };
}

function isOpen(window: ChangeWindow, now: Date): boolean {
  const durationMs = parseDuration(window.duration) ?? 0;
  // a second later, for an opening at this very moment counts
  const [opened] = cronOf(window).previousRuns(1, new Date(now.getTime() + 1_000));
  return opened !== undefined && opened.getTime() <= now.getTime() && now.getTime() < opened.getTime() + durationMs;
}

function cronOf({ schedule, timeZone }: ChangeWindow): Cron {
  return new Cron(schedule, { timezone: timeZone ?? 'UTC', mode: '5-part' });
}

/** Why a change window cannot stand, or nothing. */
export function whyWindowInvalid(window: ChangeWindow): string | undefined {
  const durationMs = parseDuration(window.duration);
  if (durationMs === undefined || durationMs < 60_000 || durationMs > 7 * 86_400_000)
    return `duration "${window.duration}" must be between 1m and 168h, written as 1h30m`;
  try {
    if (!cronOf(window).nextRun(new Date())) return `schedule "${window.schedule}" never comes`;
    return undefined;
  } catch (error) {
    const zone = window.timeZone === undefined ? '' : `, time zone "${window.timeZone}"`;
    return `schedule "${window.schedule}"${zone} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
