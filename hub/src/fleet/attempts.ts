/**
 * What was tried against the fleet and refused, for the audit: the first time at once, repetitions as one line with their
 * number, so that whoever tries ten thousand times fills neither the audit nor the log, nor hides what others try.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AuditEntry, AuditLog } from '../store/audit.ts';

export interface Attempts {
  record(attempt: Attempt): void;
}

export interface Attempt extends AuditEntry {
  details: { reason: string; [fact: string]: unknown };
}

export interface AttemptsOptions {
  /** Repetitions within this time are one line; default 60 s. */
  windowMs?: number;
  /** So many different ones of one originator are told apart in that time, and the others only counted; default 50. */
  maxKinds?: number;
}

interface Tried {
  kinds: Map<string, { attempt: Attempt; repeated: number }>;
  others: number;
}

/** The signal ends it. */
export function createAttempts(
  { audit, logger }: { audit: AuditLog; logger: Logger },
  options: AttemptsOptions,
  signal: AbortSignal,
): Attempts {
  const { windowMs = 60_000, maxKinds = 50 } = options;
  let tried = new Map<string, Tried>();
  const append = (entry: AuditEntry) =>
    void audit
      .append(entry)
      .catch((error: unknown) => logger.error({ err: toFleetError(error), entry }, 'audit entry was not stored'));
  const flush = () => {
    const ended = tried;
    tried = new Map();
    for (const [by, { kinds, others }] of ended) {
      for (const { attempt, repeated } of kinds.values())
        if (repeated > 0) append({ ...attempt, details: { ...attempt.details, repeated } });
      if (others > 0) append({ by, action: 'refuse', object: by, details: { others } });
    }
  };
  void (async () => {
    while (await sleep(windowMs, signal)) flush();
  })();
  return {
    record: (attempt) => {
      const { by, action, object, details } = attempt;
      const known = tried.get(by) ?? { kinds: new Map(), others: 0 };
      tried.set(by, known);
      const key = JSON.stringify([action, object, details.reason]);
      const kind = known.kinds.get(key);
      if (kind) kind.repeated += 1;
      else if (known.kinds.size >= maxKinds) known.others += 1;
      else {
        known.kinds.set(key, { attempt, repeated: 0 });
        append(attempt);
      }
    },
  };
}
