import { type ApplicationAnswer, formatHealth, healthOf, syncOf } from './application.ts';
import { formatAge } from './output.ts';
import type { Verdict } from './wait.ts';

/** Whether an Application is as it should be. Old news counts as no news. */
export function judgeState(app: ApplicationAnswer, wanted: { health: boolean; sync: boolean }): Verdict {
  const { stale, ageMs = 0, cluster } = app.fleet;
  const state = `${syncOf(app)}, ${formatHealth(app)}`;
  if (stale)
    return { done: false, why: `nothing was heard from cluster ${cluster} for ${formatAge(ageMs)} (${state})` };
  const healthy = !wanted.health || healthOf(app) === 'Healthy';
  const synced = !wanted.sync || syncOf(app) === 'Synced';
  if (healthy && synced) return { done: true, outcome: state };
  return { done: false, why: [state, ...problemsOf(app)].join('; ') };
}

function problemsOf({ status }: ApplicationAnswer): string[] {
  const condition = status?.conditions?.find(({ type }) => type.endsWith('Error'));
  return [status?.health?.message, condition?.message].filter((text): text is string => Boolean(text));
}

/** Whether the operation of this id has ended, and how. */
export function judgeOperation(app: ApplicationAnswer, id: string): Verdict {
  const state = app.status?.operationState;
  if (!state || idOf(state) !== id) return { done: false, why: 'its cluster has not begun the sync yet' };
  const said = state.message ? `: ${state.message}` : '';
  if (state.phase === 'Running' || state.phase === 'Terminating')
    return { done: false, why: `sync ${state.phase}${said}` };
  return { done: true, outcome: `sync ${state.phase}${said}`, failed: state.phase !== 'Succeeded' };
}

function idOf({ operation }: { operation?: Record<string, unknown> }): string | undefined {
  const info = (operation?.['info'] ?? []) as { name: string; value: string }[];
  return info.find(({ name }) => name === 'id')?.value;
}
