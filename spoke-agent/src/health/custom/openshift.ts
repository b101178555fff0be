import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { findCondition } from '../kinds/condition.ts';
import {
  type Check,
  type Checks,
  check,
  condition,
  conditionsOf,
  inOrder,
  numberAt,
  otherwise,
  type Rule,
  textOf,
  value,
  valueAt,
  whatever,
  without,
} from './rules.ts';

function deploymentConfig(object: KubeObject): Health {
  const waiting = 'replication controller is waiting for pods to run';
  if (valueAt(object, ['status', 'conditions']) === undefined) return { status: 'Progressing', message: waiting };
  const isTrue = (type: string) => findCondition(conditionsOf(object), type)?.status === 'True';
  const [isAvailable, isDone] = [isTrue('Available'), isTrue('Progressing')];
  if (isAvailable && isDone) return { status: 'Healthy', message: 'replication controller successfully rolled out' };
  return isAvailable || isDone
    ? { status: 'Progressing', message: waiting }
    : { status: 'Degraded', message: 'Deployment config is degraded' };
}

/** 3scale: what is true of it; one that failed says why. */
function threeScale(done: 'Ready' | 'Synced'): Check {
  return check(
    inOrder(
      condition(done, { True: 'Healthy' }, { message: `3scale {kind} is ${done.toLowerCase()}` }),
      condition('Invalid', { True: 'Degraded' }, { message: '{message|3scale {kind} configuration is invalid}' }),
      condition(
        'Orphan',
        { True: 'Degraded' },
        { message: '{message|3scale {kind} references non-existing resources}' },
      ),
      condition('Failed', { True: 'Degraded' }, { message: '{message|3scale {kind} synchronization failed}' }),
    ),
    otherwise('Progressing', 'Waiting for 3scale {kind} status...'),
  );
}

/** Cluster API tells how bad a condition is. */
const severeErrors: Rule = (object) => {
  const errors = conditionsOf(object).filter(({ status, severity }) => status === 'False' && severity === 'Error');
  const message = errors.map((one) => `${one.message ?? ''} `).join('');
  return errors.length > 0 ? { status: 'Degraded', message } : undefined;
};

const awsControlPlane = check(
  without('status.conditions', 'Progressing', 'Provisioning...'),
  (object) => {
    const message = textOf(valueAt(object, ['status', 'failureMessage']));
    return message === '' ? undefined : { status: 'Degraded', message };
  },
  condition('EKSControlPlaneUpdating', { True: 'Progressing' }, { message: 'EKS control plane is updating' }),
  condition('Ready', { True: 'Healthy' }, { message: 'Control plane is ready' }),
  severeErrors,
  value('status.ready', { false: 'Progressing' }, 'Control plane is not ready (.status.ready is false)'),
  otherwise('Progressing', 'Control plane is not ready'),
);

const idleFunction: Rule = (object) =>
  (numberAt(object, 'status', 'replicas') ?? 0) > 0
    ? undefined
    : condition('Ready', { True: 'Suspended' }, { message: 'No replicas available' })(object);

/** OpenShift and what runs on it, and clusters in clouds. */
export const openShiftChecks: Checks = {
  'apps.openshift.io/DeploymentConfig': deploymentConfig,
  'operator.openshift.io/IngressController': check(
    inOrder(
      condition('Degraded', { True: 'Degraded' }),
      condition('DeploymentReplicasAllAvailable', { False: 'Progressing' }),
      condition('Progressing', { True: 'Progressing' }, { message: '{reason}' }),
      condition('Available', { True: 'Healthy' }, { message: 'IngressController is available' }),
    ),
    otherwise('Progressing', 'Status of IngressController is not known yet'),
  ),
  'capabilities.3scale.net/ApplicationAuth': threeScale('Ready'),
  'capabilities.3scale.net/Backend': threeScale('Synced'),
  'capabilities.3scale.net/DeveloperUser': threeScale('Ready'),
  'capabilities.3scale.net/OpenAPI': threeScale('Ready'),
  'capabilities.3scale.net/Product': threeScale('Synced'),
  'controlplane.cluster.x-k8s.io/AWSManagedControlPlane': awsControlPlane,
  'ceph.rook.io/CephObjectStore': check(
    without('status', 'Progressing', 'Waiting for status to be reported'),
    cephObjectStore,
  ),
  'objectbucket.io/ObjectBucketClaim': check(
    without('status', 'Progressing', 'Waiting for status to be reported'),
    without('status.phase', 'Progressing', 'Waiting for phase to be reported'),
    value('status.phase', { Bound: 'Healthy', Failed: 'Degraded' }, 'Object bucket claim phase is {value}'),
    otherwise('Progressing', 'Object bucket claim phase is {status.phase}'),
  ),
  'openfaas.com/Function': check(
    condition('Ready', { False: 'Degraded' }),
    condition('Stalled', { True: 'Degraded' }),
    idleFunction,
    condition('Ready', { True: 'Healthy' }),
    otherwise('Progressing', 'Waiting for Function'),
  ),
  'coralogix.com/Alert': remote(),
  'coralogix.com/RecordingRuleGroupSet': remote(),
  'proclaim.dogmatiq.io/DNSSDServiceInstance': check(
    condition('Adopted', { False: 'Degraded' }),
    condition('Advertised', whatever('Degraded'), { reasons: ['AdvertiseError', 'UnadvertiseError'] }),
    condition('Discoverable', whatever('Unknown'), { reasons: ['DiscoveryError'] }),
    condition('Discoverable', { True: 'Healthy', False: 'Progressing', Unknown: 'Progressing' }),
    otherwise('Progressing'),
  ),
};

function remote(): Check {
  return check(
    condition('RemoteSynced', { True: 'Healthy' }, { message: 'Resource is ready' }),
    condition('RemoteSynced', { False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for status to be updated'),
  );
}

function cephObjectStore(object: KubeObject): Health {
  const [phase, endpoint] = [['phase'], ['info', 'endpoint']].map((path) =>
    textOf(valueAt(object, ['status', ...path])),
  );
  const told = phase ? `Ceph object store phase is ${phase}` : 'Waiting for status to be reported';
  const message = endpoint ? `${told} - endpoint: ${endpoint}` : told;
  return { status: phase === 'Ready' ? 'Healthy' : phase === 'Failure' ? 'Degraded' : 'Progressing', message };
}
