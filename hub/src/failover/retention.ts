import { isUnfinished, outgoingOf, type Placement, type Plan } from './plan-record.ts';

/** What plans say of an Application that its generator does not give any more, on the cluster that it was on. */
export interface Retention {
  plan: string;
  /** retained: it stays until the plan withdraws it. released: the plan withdraws it; no budget holds it. */
  state: 'retained' | 'released';
}

export interface Retentions {
  find(app: string, cluster: string): Retention | undefined;
}

/** An index over all plans. What policy Never kept stays retained after its plan's end. */
export function indexRetentions(plans: readonly Plan[]): Retentions {
  const index = new Map<string, Retention>();
  const oldestFirst = [...plans].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  for (const plan of oldestFirst) {
    if (plan.phase === 'Planned' || plan.phase === 'Expired') continue;
    for (const placement of outgoingOf(plan)) {
      const state = stateOf(plan, placement);
      if (state) index.set(`${placement.cluster}/${placement.app}`, { plan: plan.id, state });
    }
  }
  return { find: (app, cluster) => index.get(`${cluster}/${app}`) };
}

function stateOf(plan: Plan, { policy, withdrawal }: Placement): Retention['state'] | undefined {
  if (isUnfinished(plan)) return withdrawal === undefined ? 'retained' : 'released';
  return policy === 'Never' && withdrawal === undefined ? 'retained' : undefined;
}

/** The index, made anew after each change of a plan. */
export function followRetentions(records: {
  plans: { list(): Plan[] };
  onPlanChange(listener: () => void): Disposable;
}): Retentions {
  let index: Retentions | undefined;
  records.onPlanChange(() => {
    index = undefined;
  });
  return { find: (app, cluster) => (index ??= indexRetentions(records.plans.list())).find(app, cluster) };
}
