import type { Stores } from '../store/open-stores.ts';
import { keysOf } from './follow-rollouts.ts';
import { createGate, type Gate } from './gate.ts';
import { createRolloutViews, type RolloutViews } from './rollout-view.ts';
import { createRollouts, type Rollouts } from './rollouts.ts';

export interface RolloutParts {
  rollouts: Rollouts;
  rolloutViews: RolloutViews;
  gate: Gate;
  /** Keys of every rollout there is. */
  rolloutKeys(): Iterable<string>;
}

/** What every replica works out from specs and records of rollouts. */
export function createRolloutParts({ specs, rollouts: store }: Pick<Stores, 'specs' | 'rollouts'>): RolloutParts {
  const rollouts = createRollouts({ specs, store });
  return {
    rollouts,
    rolloutViews: createRolloutViews({ rollouts, store }),
    gate: createGate({ rollouts, store }),
    rolloutKeys: () => keysOf({ rollouts, store }),
  };
}
