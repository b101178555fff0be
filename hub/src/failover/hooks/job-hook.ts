/**
 * A hook that is a Job on a cluster: an Application is synced once, its Jobs are made anew, and the sync ends with them. The
 * hub holds no credential of a cluster; the operation travels in the signed document, and its spoke acts on each id once.
 */
import { type AssignedOperation, applicationId } from '@wheelhouse/shared/protocol/document';
import type { OperationState } from '@wheelhouse/shared/protocol/status';
import type { Applications } from '../../assign/applications.ts';
import type { Statuses } from '../../status/statuses.ts';
import type { Additions } from '../../store/additions.ts';
import type { HookOutcome } from './decide-hooks.ts';
import type { PlannedHook } from './planned-hook.ts';

export interface JobHookDeps {
  applications: Pick<Applications, 'find'>;
  statuses: Pick<Statuses, 'find'>;
  additions: Pick<Additions, 'operations' | 'addOperation'>;
  now(): Date;
}

export interface JobHook {
  application: { namespace: string; name: string };
  /** Of the operation; the same however often this is called for one attempt. */
  id: string;
  attempt: PlannedHook;
  by: string;
}

/** Asks for the sync if nobody did, and says what became of it so far. */
export async function callJobHook({ application, id, attempt, by }: JobHook, deps: JobHookDeps): Promise<HookOutcome> {
  const app = applicationId(application.namespace, application.name);
  const cluster = deps.applications.find(app)?.cluster;
  if (cluster === undefined) return failed(`there is no Application ${app} that is assigned to a cluster`);
  const operation = deps.statuses.find(cluster, app)?.status.operation;
  const isOurs = operation?.id === id;
  const what = `sync of ${app} on ${cluster}`;
  if (isOurs && operation.finishedAt !== undefined) return outcomeOf(operation, what);
  const until = new Date(Date.parse(attempt.startedAt ?? '') + attempt.timeoutMs);
  if (deps.now() >= until) return failed(`${what} did not end within ${attempt.timeoutMs / 1_000} s`);
  if (!isOurs) await ask({ id, app, by, expiresAt: until.toISOString() }, deps);
  return { state: 'running' };
}

async function ask(asked: Omit<AssignedOperation, 'type' | 'sync'>, { additions, now }: JobHookDeps): Promise<void> {
  if (additions.operations(asked.app).some(({ id }) => id === asked.id)) return;
  const sync = { prune: false, dryRun: false, force: false, syncOptions: [], runJobs: true as const };
  await additions.addOperation({ ...asked, type: 'sync', sync }, now());
}

function outcomeOf({ phase, message }: OperationState, what: string): HookOutcome {
  if (phase === 'Succeeded') return { state: 'succeeded', message: `${what} is done` };
  return failed(`${what} ${phase}: ${message.slice(0, 200)}`);
}

function failed(message: string): HookOutcome {
  return { state: 'failed', message };
}
