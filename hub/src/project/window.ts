import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { SyncWindow } from '@wheelhouse/shared/resources/app-project';
import type { AssignedWindow } from '@wheelhouse/shared/schedule/sync-window';
import { compileWindow, whyWindowsForbid } from '@wheelhouse/shared/schedule/sync-window';

/** Argo CD: why a sync window cannot stand, or nothing. */
export function whyWindowInvalid(window: SyncWindow): string | undefined {
  const { kind = '', description = '' } = window;
  if (kind !== 'allow' && kind !== 'deny') return `kind "${kind}" must be allow or deny`;
  const compiled = compileWindow(assignedWindow(window));
  if (typeof compiled === 'string') return compiled;
  if (!hasTarget(window)) return 'must name at least one of applications, namespaces and clusters';
  return description.length > 255 ? 'the description is longer than 255 characters' : undefined;
}

function hasTarget({ applications = [], namespaces = [], clusters = [] }: SyncWindow): boolean {
  return applications.length + namespaces.length + clusters.length > 0;
}

/** An Application as windows know it. */
export interface WindowSubject {
  name: string;
  namespace: string;
  /** The cluster's name and address; either may be ''. */
  cluster: { name: string; server: string };
}

/** Argo CD: the windows that apply to an Application: one of the lists names it, or with `andOperator` all that are there. */
export function matchingWindows(windows: readonly SyncWindow[], subject: WindowSubject): SyncWindow[] {
  return windows.filter((window) => {
    const verdicts = [
      verdictOf(window.applications, [subject.name]),
      verdictOf(window.namespaces, [subject.namespace]),
      verdictOf(window.clusters, [subject.cluster.server, subject.cluster.name]),
    ].filter((verdict) => verdict !== undefined);
    return window.andOperator ? verdicts.length > 0 && verdicts.every(Boolean) : verdicts.some(Boolean);
  });
}

function verdictOf(patterns: readonly string[] = [], texts: readonly string[]): boolean | undefined {
  if (patterns.length === 0) return undefined;
  return patterns.some((pattern) => texts.some((text) => matchesGlob(pattern, text)));
}

/** Windows as they stand at a moment, for people. */
export interface WindowState {
  assigned: SyncWindow[];
  active: SyncWindow[];
  /** Why it may not be synced now, by hand and by automation; undefined where it may. */
  whyNotManual: string | undefined;
  whyNotAutomated: string | undefined;
}

export function windowStateOf(windows: readonly SyncWindow[], now: Date): WindowState {
  const compiled = windows.map((window) => ({ window, compiled: compileWindow(assignedWindow(window)) }));
  const readable = compiled.flatMap((one) => (typeof one.compiled === 'string' ? [] : one.compiled));
  const why = (isManual: boolean) => whyWindowsForbid(readable, { isManual, now: now.getTime() });
  return {
    assigned: [...windows],
    active: compiled.flatMap((one) =>
      typeof one.compiled !== 'string' && one.compiled.isActive(now.getTime()) ? one.window : [],
    ),
    whyNotManual: why(true),
    whyNotAutomated: why(false),
  };
}

/** The part of a window that its spoke needs. */
export function assignedWindow(window: SyncWindow): AssignedWindow {
  const { kind, schedule = '', duration = '', timeZone, manualSync, syncOverrun } = window;
  return {
    kind: kind as AssignedWindow['kind'],
    schedule,
    duration,
    ...(timeZone ? { timeZone } : {}),
    ...(manualSync ? { manualSync } : {}),
    ...(syncOverrun ? { syncOverrun } : {}),
  };
}
