import { Counter, Gauge, type Registry } from 'prom-client';

/** What is counted of plans. */
export interface PlanMetrics {
  /** A plan that entered a phase, or paused itself. */
  planned(transition: { phase: string; direction: string }): void;
  /** An automatic failover: `started` or `refused`. */
  failedOver(outcome: 'started' | 'refused' | 'waiting'): void;
  /** An attempt of a hook: `succeeded` or `failed`. */
  hookCalled(call: { type: string; outcome: string }): void;
}

export function createPlanMetrics(
  registers: Registry[],
  list: () => readonly { phase: string; paused?: unknown }[],
): PlanMetrics {
  const transitions = new Counter({
    name: 'wheelhouse_plan_transitions_total',
    help: 'Failover plans that entered a phase, or paused themselves',
    labelNames: ['phase', 'direction'],
    registers,
  });
  const automatic = new Counter({
    name: 'wheelhouse_automatic_failovers_total',
    help: 'Failovers that a rule began, or left to a person',
    labelNames: ['outcome'],
    registers,
  });
  const hooks = new Counter({
    name: 'wheelhouse_failover_hooks_total',
    help: 'Attempts of hooks of failover plans',
    labelNames: ['type', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'wheelhouse_plans',
    help: 'Failover plans by phase; those that are paused apart',
    labelNames: ['phase'],
    registers,
    collect() {
      this.reset();
      for (const { phase, paused } of list()) this.inc({ phase: paused ? 'Paused' : phase });
    },
  });
  return {
    planned: (transition) => transitions.inc(transition),
    hookCalled: (call) => hooks.inc(call),
    failedOver: (outcome) => automatic.inc({ outcome }),
  };
}
