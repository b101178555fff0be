import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Condition, findCondition } from './condition.ts';

interface ContainerStatus {
  name: string;
  state?: { waiting?: { reason?: string; message?: string }; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}
interface Terminated {
  exitCode?: number;
  reason?: string;
  message?: string;
}
interface Pod extends KubeObject {
  spec?: { restartPolicy?: string };
  status?: {
    phase?: string;
    message?: string;
    conditions?: Condition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}
type Status = NonNullable<Pod['status']>;

/** Argo CD: a Pod that ends, such as a hook, may fail to start for a while; a long-running one may not. */
export function podHealth(object: KubeObject): Health {
  const { spec, status = {} }: Pod = object;
  const longRunning = spec?.restartPolicy === 'Always' || ignoresRestartPolicy(object);
  const broken = longRunning ? whyBroken(status) : undefined;
  if (broken !== undefined) return { status: 'Degraded', message: broken };
  return phaseHealth(status, longRunning, spec?.restartPolicy);
}

function phaseHealth(status: Status, longRunning: boolean, restartPolicy: string | undefined): Health {
  const { message = '' } = status;
  switch (status.phase) {
    case 'Pending':
      return { status: 'Progressing', message };
    case 'Succeeded':
      return { status: 'Healthy', message };
    case 'Failed':
      return { status: 'Degraded', message: message || whyFailed(status) };
    case 'Running':
      return runningHealth(status, longRunning, restartPolicy);
    default:
      return { status: 'Unknown', message };
  }
}

function runningHealth(status: Status, longRunning: boolean, restartPolicy: string | undefined): Health {
  const message = status.message ?? '';
  if (!longRunning) {
    const ends = restartPolicy === 'OnFailure' || restartPolicy === 'Never';
    return { status: ends ? 'Progressing' : 'Unknown', message };
  }
  if (findCondition(status.conditions, 'Ready')?.status === 'True') return { status: 'Healthy', message };
  const restarted = status.containerStatuses?.some((container) => container.lastState?.terminated);
  return { status: restarted ? 'Degraded' : 'Progressing', message };
}

/** Messages of the containers that cannot start; undefined when all can. */
function whyBroken({ containerStatuses = [] }: Status): string | undefined {
  const waiting = containerStatuses.flatMap(({ state }) => state?.waiting ?? []);
  const broken = waiting.filter(({ reason = '' }) => /^Err|Error$|BackOff$/.test(reason));
  return broken.length === 0 ? undefined : broken.map(({ message = '' }) => message).join(', ');
}

function whyFailed({ initContainerStatuses = [], containerStatuses = [] }: Status): string {
  for (const container of [...initContainerStatuses, ...containerStatuses]) {
    const why = whyContainerFailed(container);
    if (why) return why;
  }
  return '';
}

function whyContainerFailed({ name, state }: ContainerStatus): string {
  const { exitCode = 0, reason, message } = state?.terminated ?? {};
  if (message) return message;
  if (reason === 'OOMKilled') return reason;
  return exitCode === 0 ? '' : `container "${name}" failed with exit code ${exitCode}`;
}

/** Argo CD: the annotation counts on Pods that are no hooks. */
function ignoresRestartPolicy({ metadata: { annotations = {} } }: KubeObject): boolean {
  return annotations['argocd.argoproj.io/ignore-restart-policy'] === 'true' && !isHook(annotations);
}

function isHook(annotations: Record<string, string>): boolean {
  const own = annotations['argocd.argoproj.io/hook'];
  if (own !== undefined) return own.trim() !== 'Skip';
  const helm = annotations['helm.sh/hook'];
  return helm !== undefined && helm !== 'crd-install';
}
