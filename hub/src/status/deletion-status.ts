import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { Departure } from '../generate/deletion-order.ts';
import type { Deletion } from '../store/specs.ts';

/** What a set that is deleted step by step waits for. */
export interface DeletionStatus {
  by: string;
  reason: string;
  /** RFC 3339. */
  at: string;
  /** From 1; absent where everything that is left goes at once. */
  step?: number;
  steps: number;
  /** Applications of the step that their clusters have not said to be gone, the first 100. */
  waitingFor: { application: string; cluster: string; since: string; clusterState: string }[];
  waiting: number;
  /** Applications that are not withdrawn yet. */
  remaining: number;
}

export interface DeletionInput {
  namespace: string;
  name: string;
  deletion: Deletion;
  steps: number;
  departure: Departure | undefined;
  /** Applications that are not withdrawn yet. */
  remaining: number;
  /** `Lost, last seen 2026-01-01T00:00:00.000Z`. */
  stateOf(cluster: string): string;
}

const maxWaiting = 100;
const namedWaiting = 5;

export function formatDeletion({ deletion, steps, departure, remaining, stateOf }: DeletionInput): DeletionStatus {
  const { by, reason, at } = deletion;
  const waiting = departure?.waiting ?? [];
  return {
    by,
    reason,
    at,
    ...(departure ? { step: departure.step + 1 } : {}),
    steps,
    waitingFor: waiting.slice(0, maxWaiting).map(({ app, cluster, at: since }) => ({
      application: app,
      cluster,
      since,
      clusterState: stateOf(cluster),
    })),
    waiting: waiting.length,
    remaining,
  };
}

/** Ours: Argo CD shows nothing of it. */
export function deletionCondition(input: DeletionInput) {
  const status = formatDeletion(input);
  const reason = status.waiting > 0 ? 'WaitingForStep' : 'DeletingInOrder';
  const { at: lastTransitionTime } = input.deletion;
  return {
    type: 'DeletionProgressing',
    status: 'True' as const,
    reason,
    message: messageOf(status, input),
    lastTransitionTime,
  };
}

function messageOf(status: DeletionStatus, { namespace, name }: DeletionInput): string {
  const { by, step, steps, waiting, remaining } = status;
  const where = step === undefined ? 'what is left goes' : `step ${step} of ${steps}, the last one first`;
  const gone =
    waiting === 0
      ? ''
      : `: waiting until ${waiting} ${waiting === 1 ? 'Application is' : 'Applications are'} gone, ${names(status)}`;
  const rest = remaining > 0 ? `; ${remaining} more follow` : '';
  const text = namespace === controlNamespace ? name : `${namespace}/${name}`;
  return `deleted by ${by}, ${where}${gone}${rest}; 'wheelhouse appset delete ${text} --all-at-once' does not wait`;
}

function names({ waitingFor, waiting }: DeletionStatus): string {
  const named = waitingFor
    .slice(0, namedWaiting)
    .map(({ application, cluster, clusterState }) => `${application} on ${cluster} (${clusterState})`);
  return waiting > named.length ? `${named.join(', ')} and ${waiting - named.length} more` : named.join(', ');
}
