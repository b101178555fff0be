import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseApiVersion } from '@wheelhouse/shared/kube/object';
import { standbyAnnotation } from '@wheelhouse/shared/resources/standby';

/** What keeps an object of a kind from doing anything, by `group/Kind`. */
const overrides: Readonly<Record<string, object>> = {
  'apps/Deployment': { replicas: 0 },
  'apps/StatefulSet': { replicas: 0 },
  'apps/ReplicaSet': { replicas: 0 },
  'argoproj.io/Rollout': { replicas: 0 },
  'batch/CronJob': { suspend: true },
  'batch/Job': { suspend: true },
};

/**
 * The manifest as it is kept at a standby; an object that does nothing by itself is the same. The annotation tells why to
 * whoever finds no Pods, and makes the object differ from one that runs whatever differences are ignored.
 */
export function asStandby(manifest: KubeObject): KubeObject {
  const override = overrides[`${parseApiVersion(manifest.apiVersion).group}/${manifest.kind}`];
  if (!override) return manifest;
  const { annotations } = manifest.metadata;
  return {
    ...manifest,
    metadata: { ...manifest.metadata, annotations: { ...annotations, [standbyAnnotation]: 'true' } },
    spec: { ...(manifest['spec'] as object | undefined), ...override },
  };
}

export function isStandbyObject({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[standbyAnnotation] === 'true';
}
