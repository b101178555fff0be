import { createHash } from 'node:crypto';
import type { Placement, Plan } from '../plan-record.ts';
import type { PlannedHook } from './planned-hook.ts';

/** What a hook is told; bounded, with the counts of what was left out. */
export interface HookMessage {
  /** The same for every attempt, and for one that was cut short: whoever gets it twice acts once. */
  id: string;
  hook: string;
  when: PlannedHook['when'];
  step: PlannedHook['step'];
  direction: PlannedHook['direction'];
  attempt: number;
  plan: Pick<Plan, 'id' | 'kind' | 'owner' | 'reason'>;
  /** Clusters that Applications leave and arrive at, in the plan's present direction. */
  from: string[];
  to: string[];
  labels: Plan['labels'];
  /** Annotations that change too, without their values, which may be long. */
  annotations?: { cluster: string; key: string }[];
  /** Selector of the Applications that alone see the labels, where it is not all. */
  apps?: string;
  leaves: { total: number; items: MessagePlacement[] };
  arrives: { total: number; items: MessagePlacement[] };
}

type MessagePlacement = Pick<Placement, 'app' | 'cluster' | 'policy'>;

const mostItems = 500;

export function messageOf(plan: Plan, hook: PlannedHook): HookMessage {
  const { id, kind, owner, reason, labels, direction } = plan;
  const [outgoing, incoming] = direction === 'forward' ? [plan.leaves, plan.arrives] : [plan.arrives, plan.leaves];
  return {
    id: deliveryId(plan, hook),
    hook: hook.hook,
    when: hook.when,
    step: hook.step,
    direction,
    attempt: hook.attempt,
    plan: { id, kind, owner, reason },
    from: clustersOf(outgoing),
    to: clustersOf(incoming),
    labels: labels.slice(0, mostItems),
    ...(plan.annotations
      ? { annotations: plan.annotations.slice(0, mostItems).map(({ cluster, key }) => ({ cluster, key })) }
      : {}),
    ...(plan.apps === undefined ? {} : { apps: plan.apps }),
    leaves: listOf(outgoing),
    arrives: listOf(incoming),
  };
}

export function deliveryId(plan: Pick<Plan, 'id'>, { hook, when, step, direction }: PlannedHook): string {
  return createHash('sha256').update([plan.id, hook, when, step, direction].join('\n')).digest('hex').slice(0, 32);
}

function clustersOf(placements: readonly Placement[]): string[] {
  return [...new Set(placements.map(({ cluster }) => cluster))].sort().slice(0, mostItems);
}

function listOf(placements: readonly Placement[]): HookMessage['leaves'] {
  const items = placements.slice(0, mostItems).map(({ app, cluster, policy }) => ({ app, cluster, policy }));
  return { total: placements.length, items };
}
