import { assignedWindow, matchingWindows, whyWindowInvalid } from '@wheelhouse/hub/project/window';
import type { SyncWindow } from '@wheelhouse/shared/resources/app-project';
import { compileWindow, type Window, whyWindowsForbid } from '@wheelhouse/shared/schedule/sync-window';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface WindowCase extends Case {
  area: string;
  input: {
    window: SyncWindow;
    windows: SyncWindow[] | null;
    time: string;
    app: { name: string; destination: { name?: string; server?: string; namespace?: string } };
    isManual: boolean;
    now: string;
    operationStartTime: string | null;
  };
}

function compile(window: SyncWindow): Window {
  const compiled = compileWindow(assignedWindow(window));
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled;
}

const ms = (time: string) => new Date(time).getTime();

/** Positions of the windows of a kind that are open, or not. */
function positions({ windows, time }: WindowCase['input'], kind: string | undefined, active: boolean) {
  const found = (windows ?? []).flatMap((window, index) =>
    compile(window).isActive(ms(time)) === active && (kind === undefined || window.kind === kind) ? [index] : [],
  );
  return { indexes: found };
}

const judges: Record<string, (input: WindowCase['input']) => unknown> = {
  windowActive: ({ window, time }) => compile(window).isActive(ms(time)),
  active: (input) => positions(input, undefined, true),
  inactiveAllows: (input) => positions(input, 'allow', false),
  matches: ({ windows, app }) => {
    const { name = '', server = '', namespace = '' } = app.destination;
    const matching = matchingWindows(windows ?? [], { name: app.name, namespace, cluster: { name, server } });
    return { indexes: (windows ?? []).flatMap((window, index) => (matching.includes(window) ? [index] : [])) };
  },
  canSync: ({ windows, isManual, now, operationStartTime }) =>
    whyWindowsForbid((windows ?? []).map(compile), {
      isManual,
      now: ms(now),
      startedAt: operationStartTime === null ? undefined : ms(operationStartTime),
    }) === undefined,
  validate: ({ window }) => {
    const problem = whyWindowInvalid(window);
    return problem === undefined ? 'valid' : { error: problem };
  },
};

/** When sync windows let an Application be synced. */
export const argocdSyncwindows: Suite = {
  name: 'argocd/syncwindows',
  kind: 'file',
  run: (path) =>
    judgeCases<WindowCase>(path, ({ area, input, expected }) => {
      const judge = judges[area.replace('syncwindows.', '')];
      if (judge === undefined) return `area ${area} is unknown`;
      if (!expectsError(expected)) return whyDifferent(judge(input), expected);
      return whyNoError(() => judge(input));
    }),
};

function whyNoError(judge: () => unknown): string | undefined {
  try {
    return expectsError(judge()) ? undefined : 'is valid, expected an error';
  } catch {
    return undefined;
  }
}
