import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Failover } from '../../failover/failover.ts';
import type { Plan } from '../../failover/plan-record.ts';
import { formatPlan, type PlanView } from '../../failover/plan-view.ts';
import { planOf } from '../../failover/testing/plan.ts';

export interface FakePlansDeps {
  calls: string[];
  setLabels(cluster: string, labels: Record<string, string | null>, by: string): void;
  setAnnotations(cluster: string, annotations: Record<string, string | null>, by: string): void;
}

export interface FakePlans {
  all: Map<string, PlanView>;
  /** How often one was asked for. */
  readonly reads: number;
}

/** Plans in memory. A change of label or annotation `role` moves an Application; everything else is set at once. */
export function createFakePlans({ calls, setLabels, setAnnotations }: FakePlansDeps): Failover & FakePlans {
  const all = new Map<string, PlanView>();
  let reads = 0;
  const keep = (plan: PlanView) => {
    all.set(plan.id, plan);
    return plan;
  };
  const get = (id: string) => {
    const plan = all.get(id);
    if (!plan) throw new FleetError('NotFound', `there is no plan ${id}`);
    return plan;
  };
  const to = (id: string, change: Partial<Plan>) =>
    keep(formatPlan({ ...get(id), hooks: [], ...change }, ['what arrives']));
  const told = (what: string, id: string, change: Partial<Plan>) => {
    calls.push(what);
    return to(id, change);
  };
  return {
    all,
    get reads() {
      return reads;
    },
    list: () => [...all.values()],
    find: (id) => {
      reads += 1;
      return all.get(id);
    },
    whyPlanned: async () => undefined,
    changing: () => new Set(),
    relabel: async ({ labels, annotations = new Map(), apps }, { owner, reason, planOnly, ...pace }) => {
      if ([...labels.values(), ...annotations.values()].some((changes) => 'role' in changes)) {
        const some = apps === undefined ? {} : { apps };
        return keep(fakePlan({ owner, kind: 'relabel', deadlineMs: 1_800_000, onDeadline: 'Pause', ...some, ...pace }));
      }
      if (planOnly) return undefined;
      const by = reason ? `${owner}: ${reason}` : owner;
      for (const [cluster, changes] of labels) setLabels(cluster, changes, owner);
      for (const [cluster, changes] of annotations) setAnnotations(cluster, changes, by);
      return undefined;
    },
    plan: async ({ from, to: destination }, { owner, reason, deadlineMs = 1_800_000, onDeadline = 'Pause' }) => {
      calls.push(`failover ${from} to ${destination} by ${owner}`);
      return keep(fakePlan({ owner, reason, kind: 'failover', deadlineMs, onDeadline }));
    },
    start: async (id, { by, accept }) => {
      const { findings } = get(id);
      const open = findings.find(({ code, severity }) => severity === 'blocks' && !accept.includes(code));
      if (open) throw new FleetError('PlanBlocked', `plan ${id} is not started: ${open.message}`);
      return told(`start ${id} by ${by}`, id, { phase: 'Relabelling' });
    },
    pause: async (id, { by, reason }) =>
      told(`pause ${id} by ${by}: ${reason}`, id, { paused: { at: '2026-01-01T00:00:00.000Z', by, reason } }),
    resume: async (id, { by }) => told(`resume ${id} by ${by}`, id, { phase: 'Arriving' }),
    abort: async (id, { by, reason }) => told(`abort ${id} by ${by}: ${reason}`, id, { direction: 'back' }),
    failBack: async (id, { owner }) => told(`fail back ${id} by ${owner}`, id, { direction: 'back' }),
    withdraw: async (id, { by, apps }) => told(`withdraw ${apps.join(',')} of ${id} by ${by}`, id, {}),
  };
}

export function fakePlan(change: Partial<Plan> = {}): PlanView {
  return formatPlan(planOf(change), ['not started yet']);
}
