/**
 * What was tried against the fleet and refused, for the audit: the first time at once, repetitions as one line with their
 * number, so that whoever tries ten thousand times fills neither the audit nor the log, nor hides what others try. `by` must
 * be somebody whom NATS or a signature vouches for, else one of `unproven`: a name that a caller chose is the `object`.
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

/** Callers who have proved nothing share one line of the book for each way in, whatever they call themselves. */
export const unproven = {
  enrolment: 'somebody who enrols',
  renewal: 'somebody who renews',
  login: 'somebody who logs in to NATS',
} as const;

export interface AttemptsOptions {
  /** Repetitions within this time are one line; default 60 s. */
  windowMs?: number;
  /** So many different ones of one originator are told apart in that time, and the others only counted; default 50. */
  maxKinds?: number;
  /** So many originators are told apart in that time, and what the others try is only counted; default 1,000. */
  maxOriginators?: number;
}

interface Tried {
  kinds: Map<string, { attempt: Attempt; repeated: number }>;
  others: number;
}

/** Longer words are cut: whoever is refused chooses them. */
const maxTextLength = 300;

/** The signal ends it. */
export function createAttempts(
  { audit, logger }: { audit: AuditLog; logger: Logger },
  options: AttemptsOptions,
  signal: AbortSignal,
): Attempts {
  const { windowMs = 60_000, maxKinds = 50, maxOriginators = 1_000 } = options;
  let tried = new Map<string, Tried>();
  let crowd = 0;
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
    if (crowd > 0) append({ by: 'others', action: 'refuse', object: 'fleet', details: { others: crowd } });
    crowd = 0;
  };
  void (async () => {
    while (await sleep(windowMs, signal)) flush();
  })();
  return {
    record: (given) => {
      const attempt = cut(given);
      const { by, action, object, details } = attempt;
      const known = tried.get(by) ?? { kinds: new Map(), others: 0 };
      if (!tried.has(by) && tried.size >= maxOriginators) {
        crowd += 1;
        return;
      }
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

function cut(attempt: Attempt): Attempt {
  const short = (text: string) => (text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text);
  const { by, object, details } = attempt;
  const entries = Object.entries(details).map(([fact, value]) => [
    fact,
    typeof value === 'string' ? short(value) : value,
  ]);
  return {
    ...attempt,
    by: short(by),
    object: short(object),
    details: Object.fromEntries(entries) as Attempt['details'],
  };
}
