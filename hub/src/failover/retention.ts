import { isDeepStrictEqual } from 'node:util';
import {
  changedClusters,
  incomingOf,
  isUnfinished,
  outgoingOf,
  type Placement,
  type Plan,
  wasBegun,
} from './plan-record.ts';

/** What plans say of an Application that its generator does not give any more, on the cluster that it was on. */
export interface Retention {
  plan: string;
  /**
   * retained: it stays until the plan withdraws it. released: the plan withdraws it; no budget holds it. suppressed: it
   * may not arrive there.
   */
  state: 'retained' | 'released' | 'suppressed';
  policy: Placement['policy'];
  /** It does not come or go, but runs or is a standby: retained ones run, suppressed ones do not. */
  standby?: true;
  /** It does not leave: the plan brings it there, or back there. */
  comes?: true;
}

export interface Retentions {
  find(app: string, cluster: string): Retention | undefined;
}

/** An index over all plans. What policy Never kept stays retained after its plan's end, until a later plan brings it back. */
export function indexRetentions(plans: readonly Plan[]): Retentions {
  const index = indexOf(plans);
  return { find: (app, cluster) => index.get(`${cluster}/${app}`) };
}

/**
 * Whether the others say the same without this one. It may keep nothing itself and still be needed: what it brought back, an
 * older plan that keeps something else would otherwise keep, or keep away, anew.
 */
export function isDispensable({ id }: Plan, plans: readonly Plan[]): boolean {
  return isDeepStrictEqual(indexOf(plans), indexOf(plans.filter((plan) => plan.id !== id)));
}

function indexOf(plans: readonly Plan[]): Map<string, Retention> {
  const index = new Map<string, Retention>();
  const begun = plans.filter(wasBegun);
  for (const plan of begun.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))) addPlan(index, plan);
  return index;
}

function addPlan(index: Map<string, Retention>, plan: Plan): void {
  const touched = new Set(plan.apps === undefined ? changedClusters(plan) : []);
  // other labels, another answer: what an older plan kept away from these clusters may come now
  for (const [place, { state }] of index)
    if (state === 'suppressed' && touched.has(place.slice(0, place.indexOf('/')))) index.delete(place);
  const suppressed = plan.direction === 'forward' ? (plan.suppressed ?? []) : [];
  for (const one of suppressed) index.set(placeOf(one), retentionOf(plan, one, 'suppressed'));
  keepIncoming(index, plan);
  for (const placement of outgoingOf(plan)) {
    const state = stateOf(plan, placement);
    if (state) index.set(placeOf(placement), retentionOf(plan, placement, state));
  }
}

/** As long as labels are on their way, generators give what stays for some clusters and not for others. What comes is nobody else's any more. */
function keepIncoming(index: Map<string, Retention>, plan: Plan): void {
  for (const one of incomingOf(plan)) {
    // what an older plan kept there, or let go of, is meant to be there by now
    index.delete(placeOf(one));
    if (isUnfinished(plan)) index.set(placeOf(one), { ...retentionOf(plan, one, 'retained'), comes: true });
  }
}

function retentionOf(plan: Plan, { policy, standby }: Placement, state: Retention['state']): Retention {
  return { plan: plan.id, state, policy, ...(standby ? { standby } : {}) };
}

function placeOf({ app, cluster }: Placement): string {
  return `${cluster}/${app}`;
}

function stateOf(plan: Plan, { policy, withdrawal, broughtBackBy }: Placement): Retention['state'] | undefined {
  if (broughtBackBy !== undefined) return undefined;
  // what the hub lost sight of was not withdrawn: should it be seen again, it stays until it is
  const isWithdrawn = withdrawal === 'requested' || withdrawal === 'confirmed';
  if (isUnfinished(plan)) return isWithdrawn ? 'released' : 'retained';
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
