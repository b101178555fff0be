import type { KubeObject, ObjectMeta } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { type Health, healthOf } from './health.ts';

function object(apiVersion: string, kind: string, fields: Record<string, unknown>): KubeObject {
  const { metadata, ...rest } = fields as { metadata?: ObjectMeta };
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', generation: 1, ...metadata }, ...rest };
}

interface Row {
  name: string;
  fields: Record<string, unknown>;
  health: Health;
  apiVersion?: string;
}

function table(apiVersion: string, kind: string, rows: Row[]): void {
  describe(`${apiVersion} ${kind}`, () => {
    it.each(rows)('$name', (row) => {
      expect(healthOf(object(row.apiVersion ?? apiVersion, kind, row.fields))).toEqual(row.health);
    });
  });
}

const rollingOut = (why: string): Health => ({
  status: 'Progressing',
  message: `Waiting for rollout to finish: ${why}`,
});

table('apps/v1', 'Deployment', [
  {
    name: 'paused is Suspended, whatever its status says',
    fields: {
      spec: { paused: true },
      status: { conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded' }] },
    },
    health: { status: 'Suspended', message: 'Deployment is paused' },
  },
  {
    name: 'a generation that nobody observed',
    fields: { metadata: { generation: 2 }, status: { observedGeneration: 1 } },
    health: rollingOut('observed deployment generation less than desired generation'),
  },
  {
    name: 'a deadline that passed',
    fields: {
      status: { observedGeneration: 1, conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded' }] },
    },
    health: { status: 'Degraded', message: 'Deployment "web" exceeded its progress deadline' },
  },
  {
    name: 'fewer updated than wanted',
    fields: { spec: { replicas: 3 }, status: { observedGeneration: 1, updatedReplicas: 1 } },
    health: rollingOut('1 out of 3 new replicas have been updated...'),
  },
  {
    name: 'old ones still there',
    fields: { spec: { replicas: 1 }, status: { observedGeneration: 1, replicas: 3, updatedReplicas: 1 } },
    health: rollingOut('2 old replicas are pending termination...'),
  },
  {
    name: 'updated but not available',
    fields: {
      spec: { replicas: 2 },
      status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 1 },
    },
    health: rollingOut('1 of 2 updated replicas are available...'),
  },
  {
    name: 'all there',
    fields: {
      spec: { replicas: 1 },
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    },
    health: { status: 'Healthy' },
  },
  {
    name: 'another version than v1 cannot be judged',
    apiVersion: 'apps/v1beta1',
    fields: {},
    health: { status: 'Unknown', message: 'no health check for apps/v1beta1 Deployment' },
  },
  {
    name: 'a status of another shape is Unknown with the reason',
    fields: { status: { observedGeneration: 1, conditions: 'none' } },
    health: { status: 'Unknown', message: 'conditions?.find is not a function' },
  },
]);

table('apps/v1', 'StatefulSet', [
  {
    name: 'never observed',
    fields: { status: {} },
    health: { status: 'Progressing', message: 'Waiting for statefulset spec update to be observed...' },
  },
  {
    name: 'not all ready',
    fields: { spec: { replicas: 3 }, status: { observedGeneration: 1, readyReplicas: 1 } },
    health: { status: 'Progressing', message: 'Waiting for 2 pods to be ready...' },
  },
  {
    name: 'a partition not reached',
    fields: {
      spec: { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
      status: { observedGeneration: 1, readyReplicas: 3, updatedReplicas: 1 },
    },
    health: {
      status: 'Progressing',
      message: 'Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...',
    },
  },
  {
    name: 'a rolling update block without a partition',
    fields: {
      spec: { replicas: 1, updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} } },
      status: {
        observedGeneration: 1,
        readyReplicas: 1,
        updatedReplicas: 1,
        updateRevision: 'b',
        currentRevision: 'a',
      },
    },
    health: { status: 'Healthy', message: 'partitioned roll out complete: 1 new pods have been updated...' },
  },
  {
    name: 'OnDelete is Healthy once ready',
    fields: {
      spec: { replicas: 1, updateStrategy: { type: 'OnDelete' } },
      status: { observedGeneration: 1, readyReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    },
    health: { status: 'Healthy', message: 'statefulset has 1 ready pods' },
  },
  {
    name: 'two revisions at once',
    fields: {
      status: { observedGeneration: 1, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    },
    health: {
      status: 'Progressing',
      message: 'waiting for statefulset rolling update to complete 1 pods at revision b...',
    },
  },
  {
    name: 'one revision',
    fields: { status: { observedGeneration: 1, currentReplicas: 2, updateRevision: 'b', currentRevision: 'b' } },
    health: { status: 'Healthy', message: 'statefulset rolling update complete 2 pods at revision b...' },
  },
]);

table('apps/v1', 'DaemonSet', [
  {
    name: 'a generation that nobody observed',
    fields: { status: {} },
    health: rollingOut('observed daemon set generation less than desired generation'),
  },
  {
    name: 'OnDelete is Healthy at once',
    fields: {
      spec: { updateStrategy: { type: 'OnDelete' } },
      status: { observedGeneration: 1, desiredNumberScheduled: 2 },
    },
    health: { status: 'Healthy', message: 'daemon set 0 out of 2 new pods have been updated' },
  },
  {
    name: 'not all updated',
    fields: { status: { observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 1 } },
    health: {
      status: 'Progressing',
      message: 'Waiting for daemon set "web" rollout to finish: 1 out of 2 new pods have been updated...',
    },
  },
  {
    name: 'not all available',
    fields: {
      status: { observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
    },
    health: {
      status: 'Progressing',
      message: 'Waiting for daemon set "web" rollout to finish: 1 of 2 updated pods are available...',
    },
  },
  { name: 'no node wants it', fields: { status: { observedGeneration: 1 } }, health: { status: 'Healthy' } },
]);

table('apps/v1', 'ReplicaSet', [
  {
    name: 'a generation that nobody observed',
    fields: { status: {} },
    health: rollingOut('observed replica set generation less than desired generation'),
  },
  {
    name: 'failing to make Pods',
    fields: {
      status: { observedGeneration: 1, conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota' }] },
    },
    health: { status: 'Degraded', message: 'quota' },
  },
  {
    name: 'not all available',
    fields: { spec: { replicas: 2 }, status: { observedGeneration: 1, availableReplicas: 1 } },
    health: rollingOut('1 out of 2 new replicas are available...'),
  },
  { name: 'all available', fields: { spec: {}, status: { observedGeneration: 1 } }, health: { status: 'Healthy' } },
]);

const always = { restartPolicy: 'Always' };
const ignoring = { annotations: { 'argocd.argoproj.io/ignore-restart-policy': 'true' } };
const waiting = (reason: string) => [{ name: 'c', state: { waiting: { reason, message: `because ${reason}` } } }];

table('v1', 'Pod', [
  ...['ErrImagePull', 'CreateContainerConfigError', 'ImagePullBackOff'].map((reason) => ({
    name: `long-running and waiting: ${reason}`,
    fields: { spec: always, status: { phase: 'Pending', containerStatuses: waiting(reason) } },
    health: { status: 'Degraded' as const, message: `because ${reason}` },
  })),
  {
    name: 'long-running and waiting for something harmless',
    fields: { spec: always, status: { phase: 'Pending', containerStatuses: waiting('ContainerCreating') } },
    health: { status: 'Progressing' },
  },
  {
    name: 'one that ends may wait for its image',
    fields: {
      spec: { restartPolicy: 'Never' },
      status: { phase: 'Pending', containerStatuses: waiting('ErrImagePull') },
    },
    health: { status: 'Progressing' },
  },
  {
    name: 'one that ends may not, when told so',
    fields: {
      metadata: ignoring,
      spec: { restartPolicy: 'Never' },
      status: { phase: 'Pending', containerStatuses: waiting('ErrImagePull') },
    },
    health: { status: 'Degraded', message: 'because ErrImagePull' },
  },
  {
    name: 'a hook may, even when told otherwise',
    fields: {
      metadata: { annotations: { ...ignoring.annotations, 'helm.sh/hook': 'pre-install' } },
      spec: { restartPolicy: 'Never' },
      status: { phase: 'Pending', containerStatuses: waiting('ErrImagePull') },
    },
    health: { status: 'Progressing' },
  },
  { name: 'Succeeded', fields: { status: { phase: 'Succeeded' } }, health: { status: 'Healthy' } },
  {
    name: 'Failed with a message of its own',
    fields: { status: { phase: 'Failed', message: 'evicted' } },
    health: { status: 'Degraded', message: 'evicted' },
  },
  {
    name: 'Failed by an init container',
    fields: {
      status: {
        phase: 'Failed',
        initContainerStatuses: [{ name: 'i', state: { terminated: { exitCode: 3 } } }],
        containerStatuses: [{ name: 'c', state: { terminated: { message: 'later' } } }],
      },
    },
    health: { status: 'Degraded', message: 'container "i" failed with exit code 3' },
  },
  {
    name: 'Failed for want of memory',
    fields: {
      status: {
        phase: 'Failed',
        containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      },
    },
    health: { status: 'Degraded', message: 'OOMKilled' },
  },
  {
    name: 'Failed for no known reason',
    fields: { status: { phase: 'Failed', containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 0 } } }] } },
    health: { status: 'Degraded' },
  },
  {
    name: 'Running and ready',
    fields: { spec: always, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
    health: { status: 'Healthy' },
  },
  {
    name: 'Running after a restart, not ready',
    fields: {
      spec: always,
      status: { phase: 'Running', containerStatuses: [{ name: 'c', lastState: { terminated: { exitCode: 1 } } }] },
    },
    health: { status: 'Degraded' },
  },
  {
    name: 'Running, not ready yet',
    fields: { spec: always, status: { phase: 'Running' } },
    health: { status: 'Progressing' },
  },
  {
    name: 'Running towards its end',
    fields: {
      spec: { restartPolicy: 'OnFailure' },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    },
    health: { status: 'Progressing' },
  },
  { name: 'Running with no policy', fields: { status: { phase: 'Running' } }, health: { status: 'Unknown' } },
  { name: 'no phase', fields: {}, health: { status: 'Unknown' } },
]);

table('v1', 'PersistentVolumeClaim', [
  { name: 'Lost', fields: { status: { phase: 'Lost' } }, health: { status: 'Degraded' } },
  { name: 'Pending', fields: { status: { phase: 'Pending' } }, health: { status: 'Progressing' } },
  { name: 'Bound', fields: { status: { phase: 'Bound' } }, health: { status: 'Healthy' } },
  { name: 'no phase', fields: {}, health: { status: 'Unknown' } },
]);

const address = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };

table('v1', 'Service', [
  { name: 'ClusterIP', fields: { spec: { type: 'ClusterIP' } }, health: { status: 'Healthy' } },
  {
    name: 'a load balancer without address',
    fields: { spec: { type: 'LoadBalancer' } },
    health: { status: 'Progressing' },
  },
  {
    name: 'a load balancer with one',
    fields: { spec: { type: 'LoadBalancer' }, status: address },
    health: { status: 'Healthy' },
  },
]);

table('networking.k8s.io/v1', 'Ingress', [
  { name: 'without address', fields: { status: { loadBalancer: {} } }, health: { status: 'Progressing' } },
  { name: 'with one', fields: { status: address }, health: { status: 'Healthy' } },
  {
    name: 'of the old group',
    apiVersion: 'extensions/v1beta1',
    fields: { status: address },
    health: { status: 'Healthy' },
  },
]);

table('batch/v1', 'Job', [
  { name: 'no conditions', fields: {}, health: { status: 'Progressing' } },
  {
    name: 'Failed wins over Complete',
    fields: {
      status: {
        conditions: [
          { type: 'Failed', status: 'True', message: 'no' },
          { type: 'Complete', status: 'True' },
        ],
      },
    },
    health: { status: 'Degraded', message: 'no' },
  },
  {
    name: 'Suspended',
    fields: { status: { conditions: [{ type: 'Suspended', status: 'True', message: 'later' }] } },
    health: { status: 'Suspended', message: 'later' },
  },
  {
    name: 'no longer Suspended counts as Healthy, as in Argo CD',
    fields: { status: { conditions: [{ type: 'Suspended', status: 'False', message: 'resumed' }] } },
    health: { status: 'Healthy', message: 'resumed' },
  },
  {
    name: 'Complete',
    fields: { status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    health: { status: 'Healthy' },
  },
]);

const v1Conditions = (text: string) => ({
  metadata: { annotations: { 'autoscaling.alpha.kubernetes.io/conditions': text } },
});
const idle: Health = { status: 'Progressing', message: 'Waiting to Autoscale' };

table('autoscaling/v2', 'HorizontalPodAutoscaler', [
  ...[
    ['AbleToScale', 'FailedGetScale'],
    ['AbleToScale', 'FailedUpdateScale'],
    ['ScalingActive', 'FailedGetResourceMetric'],
    ['ScalingActive', 'FailedGetObjectMetric'],
    ['ScalingActive', 'FailedGetPodsMetric'],
    ['ScalingActive', 'FailedGetExternalMetric'],
    ['ScalingActive', 'FailedComputeMetricsReplicas'],
    ['ScalingActive', 'InvalidSelector'],
  ].map(([type, reason]) => ({
    name: `${type} ${reason}`,
    fields: {
      status: {
        conditions: [
          { type: 'ScalingLimited', status: 'True', message: 'well' },
          { type, reason, status: 'False', message: 'bad' },
        ],
      },
    },
    health: { status: 'Degraded' as const, message: 'bad' },
  })),
  {
    name: 'able to scale',
    fields: { status: { conditions: [{ type: 'AbleToScale', status: 'True', message: 'well' }] } },
    health: { status: 'Healthy', message: 'well' },
  },
  { name: 'no conditions', fields: {}, health: idle },
  {
    name: 'v1: conditions in the annotation',
    apiVersion: 'autoscaling/v1',
    fields: v1Conditions('[{"type":"ScalingLimited","status":"True","message":"at most"}]'),
    health: { status: 'Healthy', message: 'at most' },
  },
  { name: 'v1: no annotation', apiVersion: 'autoscaling/v1', fields: {}, health: idle },
  { name: 'v1: null', apiVersion: 'autoscaling/v1', fields: v1Conditions('null'), health: idle },
  {
    name: 'v1: an annotation that is not JSON',
    apiVersion: 'autoscaling/v1',
    fields: v1Conditions('{'),
    health: { status: 'Unknown', message: 'the annotation autoscaling.alpha.kubernetes.io/conditions is not JSON' },
  },
  {
    name: 'a version that Kubernetes dropped',
    apiVersion: 'autoscaling/v2beta2',
    fields: {},
    health: { status: 'Unknown', message: 'no health check for autoscaling/v2beta2 HorizontalPodAutoscaler' },
  },
]);

table('apiregistration.k8s.io/v1', 'APIService', [
  { name: 'not looked at', fields: {}, health: { status: 'Progressing', message: 'Waiting to be processed' } },
  {
    name: 'not available',
    fields: { status: { conditions: [{ type: 'Available', status: 'False', reason: 'R', message: 'm' }] } },
    health: { status: 'Progressing', message: 'R: m' },
  },
  {
    name: 'available',
    apiVersion: 'apiregistration.k8s.io/v1beta1',
    fields: { status: { conditions: [{ type: 'Available', status: 'True', reason: 'R', message: 'm' }] } },
    health: { status: 'Healthy', message: 'R: m' },
  },
]);

table('argoproj.io/v1alpha1', 'Workflow', [
  { name: 'no phase', fields: {}, health: { status: 'Progressing' } },
  { name: 'Running', fields: { status: { phase: 'Running' } }, health: { status: 'Progressing' } },
  { name: 'Succeeded', fields: { status: { phase: 'Succeeded' } }, health: { status: 'Healthy' } },
  {
    name: 'Error',
    fields: { status: { phase: 'Error', message: 'no' } },
    health: { status: 'Degraded', message: 'no' },
  },
  { name: 'another phase', fields: { status: { phase: 'Omitted' } }, health: { status: 'Unknown' } },
]);

const deletionTimestamp = '2026-01-01T00:00:00Z';

describe('deletion', () => {
  it.each<[string, ObjectMeta, Health | undefined]>([
    ['says so', { deletionTimestamp }, { status: 'Progressing', message: 'Pending deletion' }],
    [
      'names what blocks it',
      { deletionTimestamp, finalizers: ['a', 'b'] },
      { status: 'Progressing', message: 'Pending deletion; blocked by finalizers: a, b' },
    ],
    [
      'leaves hooks to their check',
      { deletionTimestamp, finalizers: ['argocd.argoproj.io/hook-finalizer'] },
      undefined,
    ],
    ['is none without the timestamp', {}, undefined],
  ])('%s', (_, metadata, expected) => {
    expect(healthOf(object('v1', 'ConfigMap', { metadata }))).toEqual(expected);
    expect(healthOf(object('v1', 'PersistentVolumeClaim', { metadata, status: { phase: 'Bound' } }))).toEqual(
      expected ?? { status: 'Healthy' },
    );
  });
});

it('knows nothing of kinds without a check', () => {
  expect(healthOf(object('v1', 'ConfigMap', {}))).toBeUndefined();
  expect(healthOf(object('example.com/v1', 'Deployment', {}))).toBeUndefined();
});
