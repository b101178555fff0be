import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { isUnobserved } from './generation.ts';

interface StatefulSet extends KubeObject {
  spec?: { replicas?: number; updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } } };
  status?: {
    observedGeneration?: number;
    readyReplicas?: number;
    currentReplicas?: number;
    updatedReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
  };
}
type Spec = NonNullable<StatefulSet['spec']>;
type Status = NonNullable<StatefulSet['status']>;

export function statefulSetHealth(object: KubeObject): Health {
  const { spec = {}, status = {} }: StatefulSet = object;
  if (!status.observedGeneration || isUnobserved(object, status))
    return { status: 'Progressing', message: 'Waiting for statefulset spec update to be observed...' };
  const { readyReplicas: ready = 0 } = status;
  if (spec.replicas !== undefined && ready < spec.replicas)
    return { status: 'Progressing', message: `Waiting for ${spec.replicas - ready} pods to be ready...` };
  return updateHealth(spec, status, ready);
}

function updateHealth({ replicas, updateStrategy }: Spec, status: Status, ready: number): Health {
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (type === 'RollingUpdate' && rollingUpdate) return partitioned(status, replicas, rollingUpdate.partition);
  if (type === 'OnDelete') return { status: 'Healthy', message: `statefulset has ${ready} ready pods` };
  return rolling(status);
}

function partitioned(status: Status, replicas: number | undefined, partition: number | undefined): Health {
  const updated = status.updatedReplicas ?? 0;
  if (replicas !== undefined && partition !== undefined && updated < replicas - partition)
    return {
      status: 'Progressing',
      message: `Waiting for partitioned roll out to finish: ${updated} out of ${replicas - partition} new pods have been updated...`,
    };
  return { status: 'Healthy', message: `partitioned roll out complete: ${updated} new pods have been updated...` };
}

function rolling(status: Status): Health {
  const { currentRevision = '', updateRevision = '', updatedReplicas = 0, currentReplicas = 0 } = status;
  if (updateRevision !== currentRevision)
    return {
      status: 'Progressing',
      message: `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${updateRevision}...`,
    };
  return {
    status: 'Healthy',
    message: `statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`,
  };
}
