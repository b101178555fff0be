import type { Health } from '../health/health.ts';
import { type LiveEntry, liveKey } from '../watch/live-entry.ts';
import type { SyncContext } from './app-state.ts';
import type { SyncTask, Wave } from './plan.ts';

/** Whether the next wave may begin. */
export type Gate = { open: true } | { open: false; failed: boolean; message: string };

/**
 * Argo CD: what was applied must exist and be Healthy, or have no health; Degraded fails the sync; what was pruned must
 * be gone.
 */
export function gateOf(context: Pick<SyncContext, 'index'>, { wave, prunes, groups }: Wave): Gate {
  for (const task of groups.flat()) {
    const gate = gateOfTask(context, task, wave);
    if (!gate.open) return gate;
  }
  const left = prunes.find(({ live }) => live !== undefined && context.index.find(liveKey(live.ref))?.uid === live.uid);
  if (!left) return { open: true };
  return { open: false, failed: false, message: `wave ${wave} waits for ${left.kind} ${left.name} to be gone` };
}

function gateOfTask({ index }: Pick<SyncContext, 'index'>, task: SyncTask, wave: number): Gate {
  const live = task.resource && index.find(task.resource.liveKey);
  const { status, message } = live ? healthOfEntry(live) : { status: 'Missing' };
  if (status === 'Healthy') return { open: true };
  const what = `${task.kind} ${task.name} (${status}${message ? `: ${message}` : ''})`;
  if (status === 'Degraded') return { open: false, failed: true, message: what };
  return { open: false, failed: false, message: `wave ${wave} waits for ${what}` };
}

/** What is being deleted is about to be missing, however well it ended: an old Job says Complete until it is gone. */
function healthOfEntry({ deleting, health }: LiveEntry): Health {
  if (deleting && (health?.status ?? 'Healthy') === 'Healthy')
    return { status: 'Progressing', message: 'Pending deletion' };
  return health ?? { status: 'Healthy' };
}
