import type { IndexedApplication } from '../assign/applications.ts';
import { isActive, type RolloutRecord, type Run, type RunMember } from './record.ts';

/** Argo CD: `status.applicationStatus[]` of an ApplicationSet. */
export interface RollingSyncApplication {
  application: string;
  status: 'Waiting' | 'Pending' | 'Progressing' | 'Healthy';
  step: string;
  message: string;
  lastTransitionTime: string;
  targetRevisions: string[];
}

export interface RollingSyncStatus {
  applicationStatus: RollingSyncApplication[];
  conditions: { type: string; status: 'True' | 'False'; reason: string; message: string; lastTransitionTime: string }[];
}

export interface RollingSyncInput {
  record: RolloutRecord | undefined;
  /** Applications of the set, with the step of each (from 0); undefined: it is in none. */
  applications: readonly { app: IndexedApplication; step: number | undefined; revision: string | undefined }[];
  invalid: string | undefined;
  evaluatedAt: string;
}

/** What Argo CD's status says of a RollingSync, from the rollout's record. */
export function formatRollingSync(input: RollingSyncInput): RollingSyncStatus {
  const { record, applications, invalid, evaluatedAt } = input;
  const lastTransitionTime = record?.since ?? evaluatedAt;
  return {
    applicationStatus: applications.map((one) => formatApplication(one, record, lastTransitionTime)),
    conditions: [
      { type: 'RolloutProgressing', ...progress(record), lastTransitionTime },
      ...(invalid === undefined
        ? []
        : [
            {
              type: 'InvalidRolloutConfig',
              status: 'True' as const,
              reason: 'InvalidRolloutConfig',
              message: invalid,
              lastTransitionTime,
            },
          ]),
    ],
  };
}

function progress(record: RolloutRecord | undefined): { status: 'True' | 'False'; reason: string; message: string } {
  if (record && isActive(record.run))
    return { status: 'True', reason: 'ApplicationSetModified', message: `rolling out: ${record.message}` };
  const message = record?.message || 'nothing is being rolled out';
  return { status: 'False', reason: 'ApplicationSetRolloutComplete', message };
}

function formatApplication(
  { app, step, revision }: RollingSyncInput['applications'][number],
  record: RolloutRecord | undefined,
  lastTransitionTime: string,
): RollingSyncApplication {
  const application = app.application.metadata.name;
  // Argo CD: -1 is no step; nothing is ever synced there
  const where = { application, step: step === undefined ? '-1' : String(step + 1) };
  const member = record?.run?.members[app.id];
  if (!member) {
    const status = record?.pins[app.id]?.good ? 'Healthy' : 'Waiting';
    return { ...where, status, message: messages[status], lastTransitionTime, targetRevisions: revisionsOf(revision) };
  }
  const status = stateOf(member, record.run);
  return {
    ...where,
    status,
    message: member.message ?? messages[status],
    lastTransitionTime: member.since,
    targetRevisions: revisionsOf(member.apps[app.id]?.to.revision),
  };
}

function revisionsOf(revision: string | undefined): string[] {
  return revision === undefined ? [] : revision.split(',');
}

/** Pending: it was given its sync, and has not reported it yet. */
function stateOf({ state, unreported }: RunMember, run: Run | undefined): RollingSyncApplication['status'] {
  if (state === 'Healthy') return 'Healthy';
  if (state !== 'Updating' || !isActive(run)) return 'Waiting';
  return unreported ? 'Pending' : 'Progressing';
}

const messages: Record<RollingSyncApplication['status'], string> = {
  Waiting: 'waits for its step',
  Pending: 'its sync was asked for',
  Progressing: 'syncs, and is not Healthy yet',
  Healthy: 'synced and Healthy',
};
