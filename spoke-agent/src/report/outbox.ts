import type { AppStatus } from '@wheelhouse/shared/protocol/status';

/** The newest status of each Application, and which of them still have to be sent. */
export interface Outbox {
  put(status: AppStatus): void;
  /** Up to `count` that wait, failing ones first. */
  take(count: number): AppStatus[];
  /** It no longer waits, unless a newer one took its place meanwhile; but it may be lost until it is confirmed. */
  sent(status: AppStatus): void;
  /** The hub has everything that was sent up to this number. */
  confirm(seq: number): void;
  /** What was sent and not confirmed waits again. */
  doubt(): void;
  waiting(): number;
  all(): AppStatus[];
  remove(app: string): void;
}

export function createOutbox(): Outbox {
  const statuses = new Map<string, AppStatus>();
  const pending = new Set<string>();
  const unconfirmed = new Set<string>();
  return {
    put: (status) => {
      statuses.set(status.app, status);
      pending.add(status.app);
    },
    take: (count) => {
      const waiting = [...pending].flatMap((app) => statuses.get(app) ?? []);
      return waiting.sort((a, b) => Number(isUrgent(b)) - Number(isUrgent(a))).slice(0, count);
    },
    sent: (status) => {
      if (statuses.get(status.app)?.seq !== status.seq) return;
      pending.delete(status.app);
      unconfirmed.add(status.app);
    },
    confirm: (seq) => {
      for (const app of unconfirmed) if ((statuses.get(app)?.seq ?? 0) <= seq) unconfirmed.delete(app);
    },
    doubt: () => {
      for (const app of unconfirmed) pending.add(app);
    },
    waiting: () => pending.size,
    all: () => [...statuses.values()],
    remove: (app) => {
      statuses.delete(app);
      pending.delete(app);
      unconfirmed.delete(app);
    },
  };
}

/** Must not be lost even for the time until digests are compared. */
export function isUrgent({ health, operation, removed }: AppStatus): boolean {
  const failed = operation?.phase === 'Failed' || operation?.phase === 'Error';
  return health.status === 'Degraded' || failed || removed === true;
}
