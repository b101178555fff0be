import { parseDuration } from '@wheelhouse/shared/config/duration';
import type { ChangeWindow } from '@wheelhouse/shared/resources/fleet-rollout';
import { parseSchedule, type Schedule } from '@wheelhouse/shared/schedule/cron';

/** Whether a step may begin something now; when it may not, when the next window opens. */
export type WindowState = { open: true } | { open: false; opensAt?: Date };

/** Without windows always open. Windows that overlap count as one. One that cannot be read never opens. */
export function windowState(windows: readonly ChangeWindow[], now: Date): WindowState {
  if (windows.length === 0 || windows.some((window) => isOpen(window, now))) return { open: true };
  const openings = windows.flatMap((window) => findSchedule(window)?.after(now)?.getTime() ?? []);
  return openings.length > 0 ? { open: false, opensAt: new Date(Math.min(...openings)) } : { open: false };
}

/** From its opening on, until its duration has passed. */
function isOpen(window: ChangeWindow, now: Date): boolean {
  const durationMs = parseDuration(window.duration) ?? 0;
  const opened = findSchedule(window)?.after(new Date(now.getTime() - durationMs));
  return opened !== undefined && opened.getTime() <= now.getTime();
}

function findSchedule({ schedule, timeZone }: ChangeWindow): Schedule | undefined {
  const parsed = parseSchedule(schedule, timeZone);
  return typeof parsed === 'string' ? undefined : parsed;
}

/** Why a change window cannot stand, or nothing. */
export function whyWindowInvalid(window: ChangeWindow): string | undefined {
  const durationMs = parseDuration(window.duration);
  if (durationMs === undefined || durationMs < 60_000 || durationMs > 7 * 86_400_000)
    return `duration "${window.duration}" must be between 1m and 168h, written as 1h30m`;
  const schedule = parseSchedule(window.schedule, window.timeZone);
  if (typeof schedule === 'string') return `schedule "${window.schedule}" cannot be read: ${schedule}`;
  return schedule.after(new Date()) ? undefined : `schedule "${window.schedule}" never comes`;
}
