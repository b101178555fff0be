import { isOfRollout } from '@wheelhouse/shared/protocol/rollout-operation';
import type { Operation } from './operation.ts';

/** Whether no person asked for it: it is tried again, and sync windows that let people sync do not let it. */
export function isAutomated({ id }: Pick<Operation, 'id'>): boolean {
  return id === undefined || isOfRollout(id);
}
