import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson } from '@wheelhouse/shared/kube/json';
import { type ApplicationFilter, matchesFilter } from '../status/application-filter.ts';
import { formatApplication } from './application-view.ts';
import { walkApplications } from './application-walk.ts';
import type { ApplicationChange, ApplicationView, ReadModel } from './deps.ts';
import { formatStreamError } from './errors.ts';
import { applyFieldMask, type FieldMask } from './field-mask.ts';

export interface ChangeFeedOptions {
  filter: ApplicationFilter;
  mask: FieldMask | undefined;
  /** true: begin with every Application as ADDED. */
  snapshot: boolean;
  /** Changed Applications kept for a client that does not read, the newest state of each. */
  backlog: number;
  signal: AbortSignal;
  /** Called once when the backlog is full: the error line may never be read, so the connection needs ending. */
  onOverflow: () => void;
}

const rowsPerChunk = 100;

/**
 * Lines of `{"result":{"type","application"}}`, as grpc-gateway streams them, made at the client's pace.
 * Changes of one Application that wait are one line, the newest; one that the filter no longer matches is DELETED.
 * Whoever falls further behind than `backlog` gets a last line `{"error"}`, and has to list again.
 */
export async function* createChangeFeed(model: ReadModel, options: ChangeFeedOptions): AsyncGenerator<string> {
  const { filter, signal } = options;
  const known = new Set<string>();
  const backlog = createBacklog(options);
  using _subscription = model.onChange((change) => {
    const key = keyOf(change.view);
    if (matchesFilter(change.view, filter)) backlog.add(key, change);
    else if (known.has(key) || backlog.has(key)) backlog.add(key, { type: 'DELETED', view: change.view });
  });
  const formatAll = (changes: ApplicationChange[]) => {
    for (const { type, view } of changes) known[type === 'DELETED' ? 'delete' : 'add'](keyOf(view));
    return changes.map((change) => formatLine(change, options.mask)).join('');
  };
  try {
    for (const views of options.snapshot ? walkApplications(model, filter) : []) {
      backlog.refuseOverflow();
      yield formatAll(views.map((view) => ({ type: 'ADDED', view })));
    }
    while (await backlog.ready()) yield formatAll(backlog.take(rowsPerChunk));
  } catch (error) {
    if (!signal.aborted) yield `${formatJson({ error: formatStreamError(toFleetError(error)) })}\n`;
  }
}

interface Backlog {
  has(key: string): boolean;
  add(key: string, change: ApplicationChange): void;
  take(count: number): ApplicationChange[];
  /** Waits for something to take; false when the signal aborted. Throws as `refuseOverflow`. */
  ready(): Promise<boolean>;
  /** Throws TooSlow once the backlog was full. */
  refuseOverflow(): void;
}

function createBacklog({ backlog, signal, onOverflow }: ChangeFeedOptions): Backlog {
  const changes = new Map<string, ApplicationChange>();
  const state = { full: false };
  let wake = () => {};
  signal.addEventListener('abort', () => wake(), { once: true });
  const overflow = () => {
    state.full = true;
    changes.clear();
    onOverflow();
  };
  const refuseOverflow = () => {
    if (!state.full) return;
    const message = `the client is more than ${backlog} changed Applications behind; list and stream again, with a filter`;
    throw new FleetError('TooSlow', message);
  };
  return {
    has: (key) => changes.has(key),
    refuseOverflow,
    add: (key, { type, view }) => {
      if (state.full) return;
      const stillNew = type === 'MODIFIED' && changes.get(key)?.type === 'ADDED';
      changes.set(key, { type: stillNew ? 'ADDED' : type, view });
      if (changes.size > backlog) overflow();
      wake();
    },
    take: (count) => {
      const taken = [...changes.entries().take(count)];
      for (const [key] of taken) changes.delete(key);
      return taken.map(([, change]) => change);
    },
    ready: async () => {
      while (!signal.aborted && !state.full && changes.size === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      refuseOverflow();
      return !signal.aborted;
    },
  };
}

function formatLine({ type, view }: ApplicationChange, mask: FieldMask | undefined): string {
  return `${formatJson({ result: { type, application: applyFieldMask(formatApplication(view), mask) } })}\n`;
}

function keyOf({ application: { metadata } }: ApplicationView): string {
  return `${metadata.namespace}/${metadata.name}`;
}
