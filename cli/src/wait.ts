import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type ApplicationAnswer, formatName, listApplications } from './application.ts';
import type { Client } from './client.ts';

/** What is to be said of one Application: it is there, or why not yet. */
export type Verdict = { done: true; outcome: string; failed?: boolean } | { done: false; why: string };

export interface WaitRequest {
  /** As people write them; empty: all that match the query, and at least one. */
  names: readonly string[];
  query: Record<string, string | readonly string[] | undefined>;
  judge(app: ApplicationAnswer): Verdict;
  /** Told once of each that is done, in the order in which they are. */
  onDone(name: string, verdict: Verdict & { done: true }): void;
  timeoutMs: number;
  signal: AbortSignal;
}

const fields = ['metadata', 'status.sync', 'status.health', 'status.operationState', 'status.conditions', 'fleet'];
const anyName = 'any Application';

/**
 * Follows the stream until every Application is done; an Application that stops being so counts again. A hub that
 * restarts in between is waited for. Throws Timeout, naming the first that are not done and why.
 */
export async function waitForApplications(client: Client, request: WaitRequest): Promise<void> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const signal = AbortSignal.any([request.signal, timeout]);
  const pending = createPending(request);
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      if (await follow(client, { request, pending, signal })) return;
    } catch (error) {
      if (!isFleetError(error) || !error.retryable) throw error;
      pending.problem = error.message;
    }
    await sleep(backoffMs(attempt, { baseMs: 250, maxMs: 5_000 }), signal);
  }
  request.signal.throwIfAborted();
  throw pending.toTimeout(request.timeoutMs);
}

interface Following {
  request: WaitRequest;
  pending: Pending;
  signal: AbortSignal;
}

interface StreamLine {
  result: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; application: ApplicationAnswer };
}

/** Whether all are done; false when the stream ended before. */
async function follow(client: Client, { request, pending, signal }: Following): Promise<boolean> {
  const only = request.names.length === 1 ? { name: request.names[0]?.split('/').at(-1) } : {};
  const query = { ...request.query, ...only };
  const prefixed = (prefix: string) => fields.map((field) => `${prefix}.${field}`).join(',');
  const listed = await listApplications(client, { ...query, fields: prefixed('items') });
  pending.list(listed.items);
  if (pending.isEmpty()) return true;
  const stream = { ...query, fields: prefixed('result.application'), resourceVersion: listed.resourceVersion };
  try {
    for await (const { result } of client.lines<StreamLine>('/api/v1/stream/applications', { query: stream, signal })) {
      if (result.type === 'DELETED') pending.forget(result.application);
      else pending.see(result.application);
      if (pending.isEmpty()) return true;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return false;
}

interface Pending {
  /** Why the hub could not be asked, last time. */
  problem: string | undefined;
  /** All that there are: others are forgotten. */
  list(apps: readonly ApplicationAnswer[]): void;
  see(app: ApplicationAnswer): void;
  forget(app: ApplicationAnswer): void;
  isEmpty(): boolean;
  toTimeout(timeoutMs: number): FleetError;
}

function createPending({ names, judge, onDone }: WaitRequest): Pending {
  const wanted = new Set(names);
  const reasons = new Map((names.length > 0 ? names : [anyName]).map((name) => [name, 'does not exist yet']));
  const told = new Set<string>();
  return {
    problem: undefined,
    list(apps) {
      const names = new Set(apps.map((app) => formatName(app.metadata)));
      for (const name of reasons.keys())
        if (!names.has(name) && !wanted.has(name) && name !== anyName) reasons.delete(name);
      for (const app of apps) this.see(app);
    },
    see(app) {
      this.problem = undefined;
      const name = formatName(app.metadata);
      if (wanted.size > 0 && !wanted.has(name)) return;
      reasons.delete(anyName);
      const verdict = judge(app);
      if (!verdict.done) {
        reasons.set(name, verdict.why);
        return;
      }
      reasons.delete(name);
      if (!told.has(name)) onDone(name, verdict);
      told.add(name);
    },
    forget(app) {
      const name = formatName(app.metadata);
      if (wanted.has(name)) reasons.set(name, 'was deleted');
      else reasons.delete(name);
    },
    isEmpty: () => reasons.size === 0,
    toTimeout(timeoutMs) {
      const first = [...reasons].slice(0, 5).map(([name, why]) => `${name}: ${why}`);
      const more = reasons.size > 5 ? `; and ${reasons.size - 5} more` : '';
      const problem = this.problem ? ` (${this.problem})` : '';
      const message = `after ${timeoutMs / 1_000} s not all are done${problem}: ${first.join('; ')}${more}`;
      return new FleetError('Timeout', message, { details: { waitingFor: Object.fromEntries(reasons) } });
    },
  };
}
