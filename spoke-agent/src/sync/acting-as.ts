import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppState } from './app-state.ts';

type Subject = Pick<AppState, 'app' | 'assigned' | 'policy' | 'tombstone'>;

/**
 * Argo CD: with impersonation, whatever is written for an Application is written as the service account that its project
 * names; live state is read with the agent's own rights. It is what the newest assignment says, even as long as its bundle
 * cannot be read and an older one is healed from. Throws NotPermitted when the project names nobody for it.
 */
export function actingAs(state: Subject): { actAs?: string } {
  const account = accountOf(state);
  if (account && 'problem' in account)
    throw new FleetError('NotPermitted', `application ${state.app}: ${account.problem}`);
  return comparingAs(state);
}

/** Argo CD: a sync that nobody may carry out is no failed one but an error. */
export function phaseOfFailure(state: Subject): 'Failed' | 'Error' {
  const account = accountOf(state);
  return account && 'problem' in account ? 'Error' : 'Failed';
}

/** As whom dry runs compare: so that the agent itself needs no right to write. It compares where the project names nobody. */
export function comparingAs(state: Subject): { actAs?: string } {
  const account = accountOf(state);
  return account && 'user' in account ? { actAs: account.user } : {};
}

function accountOf({ assigned, policy, tombstone }: Subject) {
  return tombstone?.actAs ?? (assigned ?? policy.assigned)?.policy.actAs;
}
