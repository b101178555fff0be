/** What people decide about removals that are held, or that were rejected before: said once, and acted upon by the next evaluation. */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AuditEntry } from '../store/audit.ts';
import type { Derived } from '../store/derived.ts';
import type { Verdicts } from '../store/verdicts.ts';

interface SetKey {
  namespace: string;
  name: string;
}

export interface HoldActionsDeps {
  derived: Pick<Derived, 'evaluation'>;
  verdicts: Pick<Verdicts, 'release' | 'reject'>;
  audit(entry: AuditEntry): void;
  dispatch: { generate(namespace: string, name: string): Promise<void> };
  now(): Date;
}

export interface HoldActions {
  /** Throws Invalid when there is nothing to release. */
  releaseHold(set: SetKey, options: { by: string; rejected: boolean }): Promise<void>;
  /** Throws Invalid when nothing is held. */
  rejectHold(set: SetKey, options: { by: string; reason: string }): Promise<void>;
}

export function createHoldActions(deps: HoldActionsDeps): HoldActions {
  return {
    releaseHold: async (set, options) => await releaseHold(set, options, deps),
    rejectHold: async (set, options) => await rejectHold(set, options, deps),
  };
}

/** Only what was named: that nothing is held any more must not let go what somebody rejected. */
async function releaseHold(
  { namespace, name }: SetKey,
  { by, rejected: isOfRejected }: { by: string; rejected: boolean },
  deps: HoldActionsDeps,
): Promise<void> {
  const { held, rejected } = deps.derived.evaluation(namespace, name) ?? {};
  const open = isOfRejected ? rejected : held;
  if (!open) {
    const other =
      !isOfRejected && rejected
        ? `; ${rejected.by} rejected ${rejected.applications.length}: --rejected lets those go`
        : '';
    const what = isOfRejected ? 'has no rejected removals' : 'holds no removals';
    throw new FleetError('Invalid', `ApplicationSet ${namespace}/${name} ${what}${other}`);
  }
  await deps.verdicts.release(namespace, name, open.fingerprint);
  const details = { ...countOf(open.applications), ...(isOfRejected ? { rejected: true } : {}) };
  deps.audit({ action: 'release removals', object: `${namespace}/${name}`, by, details });
  await deps.dispatch.generate(namespace, name);
}

async function rejectHold(
  { namespace, name }: SetKey,
  { by, reason }: { by: string; reason: string },
  deps: HoldActionsDeps,
): Promise<void> {
  const held = deps.derived.evaluation(namespace, name)?.held;
  if (!held) throw new FleetError('Invalid', `ApplicationSet ${namespace}/${name} holds no removals`);
  const { applications } = held;
  await deps.verdicts.reject(namespace, name, { applications, by, reason, at: deps.now().toISOString() });
  const details = { reason, ...countOf(applications) };
  deps.audit({ action: 'reject removals', object: `${namespace}/${name}`, by, details });
  await deps.dispatch.generate(namespace, name);
}

function countOf(applications: readonly string[]) {
  return { applications: applications.slice(0, 100), count: applications.length };
}
