import type { Plan, PlanPhase } from './plan-record.ts';

/** The plan in another phase; `by` is the hub unless a person brought it there. */
export function enter(
  plan: Plan,
  now: Date,
  { phase, message, by = 'hub' }: { phase: PlanPhase; message: string; by?: string },
): Plan {
  return note({ ...plan, phase, phaseAt: now.toISOString() }, now, { by, message: `${phase}: ${message}` });
}

export function pause(plan: Plan, now: Date, { by, reason }: { by: string; reason: string }): Plan {
  return note({ ...plan, paused: { at: now.toISOString(), by, reason } }, now, { by, message: `paused: ${reason}` });
}

/** What arrives and what leaves change roles; what was withdrawn has to be Healthy again before the other side goes. */
export function turnBack(plan: Plan, now: Date, { by, reason }: { by: string; reason: string }): Plan {
  const { paused: _paused, ...rest } = plan;
  const arrives = plan.arrives.map(({ healthySince: _at, ...one }) => one);
  const message = `aborted${reason ? `: ${reason}` : ''}`;
  return enter({ ...rest, direction: 'back', begunAt: now.toISOString(), arrives }, now, {
    phase: 'Relabelling',
    message,
    by,
  });
}

const historyLength = 100;

export function note(plan: Plan, now: Date, { by, message }: { by: string; message: string }): Plan {
  return { ...plan, history: [...plan.history, { at: now.toISOString(), by, message }].slice(-historyLength) };
}
