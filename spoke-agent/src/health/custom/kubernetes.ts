import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { findCondition } from '../kinds/condition.ts';
import { type Checks, check, condition, conditionsOf, otherwise, textOf, value, valueAt, without } from './rules.ts';

/** What its last run said, as far as the times tell; a failure is seen only once nothing runs any more. */
function cronJobRan(object: KubeObject): Health {
  const at = (field: string) => textOf(valueAt(object, ['status', field]));
  const [scheduled, succeeded] = [at('lastScheduleTime'), at('lastSuccessfulTime')];
  if (succeeded === '')
    return { status: 'Healthy', message: 'The CronJob never completed successfully. It may not be healthy' };
  const active = valueAt(object, ['status', 'active']);
  if (Array.isArray(active) && active.length > 0)
    return { status: 'Healthy', message: 'The job is running. Its last execution may not have been successful' };
  if (succeeded < scheduled)
    return { status: 'Degraded', message: 'CronJob has not completed its last execution successfully' };
  return { status: 'Healthy', message: 'CronJob has completed its last execution successfully' };
}

/** That too few Pods are healthy has good reasons too, and is not a failure of the budget. */
function disruptionBudget(object: KubeObject): Health {
  const conditions = conditionsOf(object);
  const failed = conditions.find(({ status, reason }) => status === 'False' && reason !== 'InsufficientPods');
  const shown = failed ?? conditions.at(-1);
  if (!shown) return { status: 'Progressing', message: 'Waiting for status' };
  return { status: failed ? 'Degraded' : 'Healthy', message: `PodDisruptionBudget has ${shown.reason ?? ''}` };
}

function definition(object: KubeObject): Health {
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return { status: 'Progressing', message: 'Status conditions not found' };
  const told = (type: string, status = 'True') => {
    const found = findCondition(conditions, type);
    return found?.status === status ? (found.message ?? '') : undefined;
  };
  const terminating = told('Terminating');
  if (terminating !== undefined) return { status: 'Progressing', message: `CRD is terminating: ${terminating}` };
  const refused = told('NamesAccepted', 'False');
  if (refused !== undefined) return { status: 'Degraded', message: `CRD names have not been accepted: ${refused}` };
  if (told('Established') === undefined) return { status: 'Degraded', message: 'CRD is not established' };
  const violations = told('NonStructuralSchema');
  if (violations !== undefined) return { status: 'Degraded', message: `Schema violations found: ${violations}` };
  return { status: 'Healthy', message: 'CRD is healthy' };
}

/** Kinds of Kubernetes itself, and of what belongs to it, that Argo CD has as custom checks. */
export const kubernetesChecks: Checks = {
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
  'batch/CronJob': check(
    value('spec.suspend', { true: 'Healthy' }, 'CronJob is Suspended'),
    without('status', 'Progressing', 'Waiting for CronJob'),
    without('status.lastScheduleTime', 'Healthy', 'CronJob has not been scheduled yet'),
    cronJobRan,
  ),
  'policy/PodDisruptionBudget': disruptionBudget,
  'snapshot.storage.k8s.io/VolumeSnapshotContent': check(
    value('status.readyToUse', { true: 'Healthy' }, 'Ready to use'),
    snapshotFailed,
    otherwise('Progressing', 'Waiting for status'),
  ),
  'snapshot.storage.k8s.io/VolumeSnapshot': check(
    value('status.readyToUse', { true: 'Healthy' }, 'Ready to use'),
    snapshotFailed,
    otherwise('Progressing', 'Waiting for status'),
  ),
  'cluster.x-k8s.io/Cluster': check(
    value('spec.paused', { true: 'Suspended' }, 'Cluster is paused'),
    condition('Ready', { False: 'Degraded' }, { except: ['WaitingForInfrastructure', 'WaitingForControlPlane'] }),
    value('status.phase', { Provisioned: 'Healthy' }, 'Cluster is running'),
    value('status.phase', { Failed: 'Degraded' }, ''),
    otherwise('Progressing', 'Waiting for clusters'),
  ),
  'cluster.x-k8s.io/Machine': check(
    value('status.phase', { Running: 'Healthy' }, 'Machine is running'),
    failedMachine,
    condition('Ready', { False: 'Progressing' }),
    otherwise('Progressing', 'Condition is unknown'),
  ),
  'cluster.x-k8s.io/MachineDeployment': check(
    value('spec.paused', { true: 'Suspended' }, 'MachineDeployment is paused'),
    runningMachines,
    value('status.phase', { ScalingUp: 'Progressing' }, 'Cluster is spawning machines'),
    value('status.phase', { ScalingDown: 'Progressing' }, 'Cluster is stopping machines'),
    value('status.phase', { Failed: 'Degraded' }, 'MachineDeployment is failed'),
    otherwise('Progressing', 'Waiting for machines'),
  ),
  'addons.cluster.x-k8s.io/ClusterResourceSet': check(
    condition('ResourcesApplied', { True: 'Healthy' }, { message: 'cluster resource set is applied' }),
    condition('ResourcesApplied', { False: 'Degraded' }),
    otherwise('Progressing', 'Initializing cluster resource set'),
  ),
};

function snapshotFailed(object: KubeObject): Health | undefined {
  const message = textOf(valueAt(object, ['status', 'error', 'message']));
  return message === '' ? undefined : { status: 'Degraded', message };
}

function failedMachine(object: KubeObject): Health | undefined {
  if (valueAt(object, ['status', 'phase']) !== 'Failed') return undefined;
  const ready = findCondition(conditionsOf(object), 'Ready');
  return { status: 'Degraded', message: ready?.status === 'False' ? (ready.message ?? '') : 'Condition is unknown' };
}

function runningMachines(object: KubeObject): Health | undefined {
  const at = (field: string) => valueAt(object, ['status', field]);
  if (at('phase') !== 'Running') return undefined;
  const isDone = at('replicas') === at('updatedReplicas') && at('replicas') === at('readyReplicas');
  return isDone
    ? { status: 'Healthy', message: 'Machines are running under this deployment' }
    : { status: 'Progressing', message: 'Waiting for machines' };
}
