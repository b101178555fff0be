/**
 * Sync windows: when an Application may be synced. Inputs: the windows that apply to it, and a moment. The same code
 * answers at the hub, for people, and at the spoke, where it counts: a spoke needs nobody to keep to its windows.
 * Must never: permit a sync because a window cannot be read.
 */
import { parseGoDuration } from '../config/duration.ts';
import { isTimeZone, parseSchedule, type Schedule } from './cron.ts';

/** A window as it travels in a document: an AppProject's, without what it applies to. */
export interface AssignedWindow {
  kind: 'allow' | 'deny';
  schedule: string;
  duration: string;
  timeZone?: string;
  /** People may sync by hand nevertheless. */
  manualSync?: boolean;
  /** A sync that began when it was allowed may be finished. */
  syncOverrun?: boolean;
}

export interface Window extends AssignedWindow {
  isActive(at: number): boolean;
  /** When `isActive` may next answer otherwise, in milliseconds since the epoch; undefined: never. */
  changesAt(now: number): number | undefined;
}

/** A string says what is wrong with it. An unknown time zone counts as UTC (Argo CD). */
export function compileWindow(window: AssignedWindow): Window | string {
  const durationMs = parseGoDuration(window.duration);
  if (durationMs === undefined) return `duration "${window.duration}" is none; write it as 1h30m`;
  const zone = window.timeZone && isTimeZone(window.timeZone) ? window.timeZone : 'UTC';
  const schedule = parseSchedule(window.schedule, zone);
  if (typeof schedule === 'string') return `schedule "${window.schedule}": ${schedule}`;
  return {
    ...window,
    isActive: (at) => isOpen(schedule, { durationMs, at }),
    changesAt: (now) => nextChange(schedule, durationMs, now),
  };
}

/** Argo CD: open from just after a moment of the schedule until just before its duration has passed. */
function isOpen(schedule: Schedule, { durationMs, at }: { durationMs: number; at: number }): boolean {
  const opened = schedule.after(new Date(at - durationMs));
  return opened !== undefined && opened.getTime() < at;
}

function nextChange(schedule: Schedule, durationMs: number, now: number): number | undefined {
  const opened = schedule.after(new Date(now - durationMs))?.getTime();
  if (opened === undefined) return undefined;
  return opened < now ? opened + durationMs : opened + 1;
}

export interface SyncMoment {
  isManual: boolean;
  now: number;
  /** When the operation that asks to go on began; absent: it did not begin yet. */
  startedAt?: number | undefined;
}

/** Why these windows do not let a sync begin or go on; undefined when they do. Argo CD: `SyncWindows.CanSync`. */
export function whyWindowsForbid(windows: readonly Window[], moment: SyncMoment): string | undefined {
  const active = windows.filter((window) => window.isActive(moment.now));
  const denying = active.filter(({ kind }) => kind === 'deny');
  if (denying.length > 0) {
    if (isExempt(denying, windows, moment)) return undefined;
    return `the sync window "${nameOf(denying[0])}" denies it`;
  }
  if (active.some(({ kind }) => kind === 'allow')) return undefined;
  const allowing = windows.filter(({ kind }) => kind === 'allow');
  if (allowing.length === 0 || isExempt(allowing, windows, moment)) return undefined;
  return `it is allowed only in the sync window "${nameOf(allowing[0])}"`;
}

function nameOf(window: AssignedWindow | undefined): string {
  return window ? `${window.kind} ${window.schedule} for ${window.duration}` : '';
}

/** Whether all the windows that stand in the way make an exception for this sync. */
function isExempt(inTheWay: readonly Window[], windows: readonly Window[], moment: SyncMoment): boolean {
  if (moment.isManual && inTheWay.every(({ manualSync }) => manualSync)) return true;
  const { isManual, startedAt } = moment;
  if (startedAt === undefined || !inTheWay.every(({ syncOverrun }) => syncOverrun)) return false;
  return whyWindowsForbid(windows, { isManual, now: startedAt }) === undefined;
}

/** When `whyWindowsForbid` may next answer otherwise, in milliseconds since the epoch. */
export function windowsChangeAt(windows: readonly Window[], now: number): number | undefined {
  const changes = windows.flatMap((window) => window.changesAt(now) ?? []);
  return changes.length === 0 ? undefined : Math.min(...changes);
}
