/**
 * The gate between what an Application comes to and what its cluster is given: under a rollout that is the bundle pinned
 * in the rollout's record, and nothing as long as none is pinned. It never lets a bundle through that is not pinned.
 */
import { rolloutKeyPrefix } from '@wheelhouse/shared/protocol/rollout-operation';
import type { IndexedApplication } from '../assign/applications.ts';
import type { Resolution } from '../assign/resolve.ts';
import { whyNotUnderstood } from '../store/record-format.ts';
import { shortRevision } from './facts.ts';
import { isActive, type RolloutRecord } from './record.ts';
import type { RolloutStore } from './rollout-store.ts';
import { formatRolloutName, type Rollouts } from './rollouts.ts';

export interface Gate {
  /** What may be assigned of a resolution. Without `app`, what is assigned already stays. */
  pass(app: IndexedApplication, resolution: Resolution): Resolution;
  /** Argo CD: whether a RollingSync syncs it, and automated sync is off. */
  isRollingSync(app: IndexedApplication): boolean;
  /** Why an Application does not get what Git gives; undefined when it does. */
  whyWaiting(app: IndexedApplication, resolution: Resolution): string | undefined;
}

export interface GateDeps {
  rollouts: Pick<Rollouts, 'governorOf'>;
  store: Pick<RolloutStore, 'find'>;
}

export function createGate({ rollouts, store }: GateDeps): Gate {
  return {
    pass: (app, resolution) => {
      const key = resolution.app && rollouts.governorOf(app);
      if (!resolution.app || key === undefined) return resolution;
      const record = store.find(key);
      const pin = whyNewer(key, record) === undefined ? record?.pins[app.id]?.now : undefined;
      const { app: newest, ...rest } = resolution;
      if (!pin) return rest;
      const assigned = isRollingSyncKey(key) ? withoutAutomation(newest) : newest;
      if (pin.bundle === newest.bundle) return { ...resolution, app: assigned };
      return { ...rest, app: { ...assigned, ...pin }, traceparent: undefined };
    },
    isRollingSync: (app) => isRollingSyncKey(rollouts.governorOf(app) ?? ''),
    whyWaiting: (app, resolution) => {
      const key = resolution.app && rollouts.governorOf(app);
      if (!resolution.app || key === undefined) return undefined;
      const record = store.find(key);
      const pin = record?.pins[app.id]?.now;
      const newer = whyNewer(key, record);
      if (pin?.bundle === resolution.app.bundle) return newer;
      const at = pin ? `stays at ${shortRevision(pin)}` : 'runs nothing yet';
      return `${at}: ${newer ?? reasonOf(app, key, record)}`;
    },
  };
}

export function isRollingSyncKey(key: string): boolean {
  return key.startsWith(`${rolloutKeyPrefix.RollingSync}.`);
}

/** Argo CD: RollingSync turns automated sync off, and asks for each sync itself. */
function withoutAutomation(app: NonNullable<Resolution['app']>): NonNullable<Resolution['app']> {
  const { automated: _, ...policy } = app.policy;
  return { ...app, policy };
}

function whyNewer(key: string, record: RolloutRecord | undefined): string | undefined {
  return record && whyNotUnderstood('rollout', formatRolloutName(key), record);
}

function reasonOf(app: IndexedApplication, key: string, record: RolloutRecord | undefined): string {
  const what = `${isRollingSyncKey(key) ? 'the RollingSync of' : 'rollout'} ${formatRolloutName(key)}`;
  if (!record) return `${what} has not looked at it yet`;
  if (!isActive(record.run)) return `${what} is ${record.phase}: ${record.message}`;
  const member = record.run.members[isRollingSyncKey(key) ? app.id : (app.cluster ?? '')];
  if (!member?.apps[app.id]) return `waiting for the next run of ${what}`;
  const step = `step ${member.step + 1} (${record.run.steps[member.step]?.name})`;
  return `waiting for ${step} of ${what}: ${member.message ?? record.message}`;
}
