import { createHash } from 'node:crypto';
import { compileSelector } from '../generate/generators/label-selector.ts';
import type { MemberFacts } from './facts.ts';
import { type Plan, type PlanStep, portionOf } from './plan.ts';

export interface Placement {
  /** Index of each member's step. */
  steps: Map<string, number>;
  /** Members that no step takes. */
  missed: string[];
  warnings: string[];
}

type Placed = Pick<MemberFacts, 'id' | 'labels'>;

/**
 * Which step takes which member. Labels come first, the first step that matches wins; portions then take what is left in
 * an order that depends on names only, so that the canaries of one change are those of the next.
 */
export function place(plan: Plan, members: readonly Placed[], seed: string): Placement {
  const steps = new Map<string, number>();
  const warnings = placeByLabel(plan, members, steps);
  const left = members.filter(({ id }) => !steps.has(id)).sort(bySeed(seed));
  for (const [index, step] of plan.steps.entries()) {
    if (step.labels) continue;
    const taken = left.splice(0, step.portion ? portionOf(step.portion, members.length) : left.length);
    for (const { id } of taken) steps.set(id, index);
  }
  for (const [index, { name }] of plan.steps.entries())
    if (![...steps.values()].includes(index)) warnings.push(`step ${name} takes nothing`);
  return { steps, missed: left.map(({ id }) => id).sort(), warnings };
}

function placeByLabel(plan: Plan, members: readonly Placed[], steps: Map<string, number>): string[] {
  const twice: string[] = [];
  for (const [index, step] of plan.steps.entries()) {
    if (!step.labels) continue;
    const matches = compileSelector(step.labels, { anyValue: true });
    for (const { id, labels } of members) {
      if (!matches(labels)) continue;
      const first = steps.get(id);
      if (first === undefined) steps.set(id, index);
      else
        twice.push(`${id} matches steps ${nameOf(plan, first)} and ${step.name}: it goes with ${nameOf(plan, first)}`);
    }
  }
  return twice.length > 5 ? [...twice.slice(0, 5), `and ${twice.length - 5} more match two steps`] : twice;
}

/** The step of a member that comes while a run is under way: by its labels, else with the last. */
export function placeJoining(plan: Plan, member: Placed): number | undefined {
  const matches = (step: PlanStep) => step.labels && compileSelector(step.labels, { anyValue: true })(member.labels);
  const index = plan.steps.findIndex(matches);
  if (index >= 0) return index;
  return plan.leavesOut ? undefined : plan.steps.length - 1;
}

function nameOf(plan: Plan, index: number): string {
  return plan.steps[index]?.name ?? '';
}

function bySeed(seed: string) {
  const rank = (id: string) => createHash('sha256').update(`${seed}\n${id}`).digest('hex');
  return (a: Placed, b: Placed) => (rank(a.id) < rank(b.id) ? -1 : 1);
}
