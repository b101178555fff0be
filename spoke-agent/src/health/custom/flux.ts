import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { findCondition } from '../kinds/condition.ts';
import { type Check, type Checks, check, conditionsOf, type Rule, value, without } from './rules.ts';

const progressing: Rule = (object) => {
  const conditions = conditionsOf(object);
  const isWaiting = findCondition(conditions, 'Ready')?.status === 'Unknown';
  const isReconciling = findCondition(conditions, 'Reconciling')?.status === 'True';
  return isWaiting && isReconciling ? { status: 'Progressing', message: reasonOf(object) } : undefined;
};

/** A policy is not ready while it looks at its repository anew. */
const imageProgressing: Rule = (object) => {
  const conditions = conditionsOf(object);
  const reconciling = findCondition(conditions, 'Reconciling');
  const isLooking =
    reconciling?.status === 'True' &&
    ['NewGeneration', 'AccessingRepository', 'ApplyingPolicy'].includes(reconciling.reason ?? '');
  const isWaiting = isLooking && findCondition(conditions, 'Ready')?.status === 'False';
  return isWaiting ? { status: 'Progressing', message: reasonOf(object) } : undefined;
};

/** What must be true: Ready, and one of these where there are any. */
function settled(also: readonly string[]): Rule {
  return (object) => {
    const conditions = conditionsOf(object);
    const isTrue = (type: string) => findCondition(conditions, type)?.status === 'True';
    const isHealthy = isTrue('Ready') && (also.length === 0 || also.some(isTrue));
    return { status: isHealthy ? 'Healthy' : 'Degraded', message: reasonOf(object) };
  };
}

function reasonOf(object: KubeObject): string {
  const conditions = conditionsOf(object);
  const outdated = findCondition(conditions, 'ArtifactOutdated');
  const reasons = [
    findCondition(conditions, 'Ready')?.reason,
    outdated?.status === 'True' ? outdated.reason : undefined,
  ];
  return reasons.filter((reason) => reason !== undefined).join(' ');
}

/** Flux: Ready, and of sources and releases a second condition; Argo CD shows the reasons. */
function flux(...also: string[]): Check {
  return check(
    value('spec.suspend', { true: 'Suspended' }, '{kind} is suspended'),
    without('status.conditions', 'Progressing', 'Status unknown'),
    progressing,
    settled(also),
  );
}

const source = flux('ArtifactInStorage');
const plain = flux();

export const fluxChecks: Checks = {
  'source.toolkit.fluxcd.io/Bucket': source,
  'source.toolkit.fluxcd.io/GitRepository': source,
  'source.toolkit.fluxcd.io/HelmChart': source,
  'source.toolkit.fluxcd.io/HelmRepository': source,
  'source.toolkit.fluxcd.io/OCIRepository': source,
  'helm.toolkit.fluxcd.io/HelmRelease': flux('Released', 'TestSuccess'),
  'kustomize.toolkit.fluxcd.io/Kustomization': plain,
  'image.toolkit.fluxcd.io/ImagePolicy': check(
    without('status.conditions', 'Progressing', 'Status unknown'),
    imageProgressing,
    settled([]),
  ),
  'image.toolkit.fluxcd.io/ImageRepository': plain,
  'image.toolkit.fluxcd.io/ImageUpdateAutomation': plain,
  'notification.toolkit.fluxcd.io/Alert': plain,
  'notification.toolkit.fluxcd.io/Provider': plain,
  'notification.toolkit.fluxcd.io/Receiver': plain,
};
