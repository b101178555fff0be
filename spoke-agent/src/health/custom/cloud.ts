import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { findCondition } from '../kinds/condition.ts';
import {
  type Check,
  type Checks,
  check,
  condition,
  conditionsOf,
  lacking,
  otherwise,
  type Rule,
  unobserved,
  value,
  valueAt,
  without,
} from './rules.ts';

/** Crossplane: kinds that are configuration and get no status. */
const withoutStatus = [
  'Composition',
  'CompositionRevision',
  'DeploymentRuntimeConfig',
  'ClusterProviderConfig',
  'ProviderConfig',
  'ProviderConfigUsage',
  'ControllerConfig',
];
const upToDate: Health = { status: 'Healthy', message: 'Resource is up-to-date.' };
const crossplaneReady = ['Ready', 'Healthy', 'Offered', 'Established', 'ValidPipeline', 'RevisionHealthy'];

/** Nothing is told: of configuration that is all there will ever be. */
const untold: Rule = (object) => {
  const status = valueAt(object, ['status']);
  const isEmpty = status !== null && typeof status === 'object' && Object.keys(status).length === 0;
  return !status || (isEmpty && withoutStatus.includes(object.kind)) ? upToDate : undefined;
};

const inUse: Rule = (object) =>
  object.kind.endsWith('ProviderConfig') && valueAt(object, ['status', 'users']) !== undefined
    ? { status: 'Healthy', message: 'Resource is in use.' }
    : undefined;

/** The first condition that tells of a failure, unless one before it ends the matter. */
function toldInOrder(ends: readonly string[]): Rule {
  const failures = ['LastAsyncOperation', 'Synced'];
  return (object) => {
    const first = conditionsOf(object).find(({ type, status }) =>
      (status === 'False' ? failures : status === 'True' ? ends : []).includes(type),
    );
    if (!first) return undefined;
    return first.status === 'True' ? upToDate : { status: 'Degraded', message: first.message ?? '' };
  };
}

function crossplane(ends: readonly string[]): Check {
  const ready = condition('Ready', { True: 'Healthy' }, { message: 'Resource is up-to-date.' });
  return check(untold, inUse, toldInOrder(ends), ready, otherwise('Progressing', 'Provisioning ...'));
}

const failed = { False: 'Degraded', Unknown: 'Degraded' } as const;

/** Crossplane's own provider for AWS: what is synced and ready is available. */
function aws(noun: string): Check {
  return check(
    without('status.conditions', 'Progressing', `Waiting for ${noun} to be created`),
    condition('Synced', { False: 'Suspended' }, { reasons: ['ReconcilePaused'], message: '{reason}' }),
    condition('Synced', failed, { reasons: ['ReconcileError'] }),
    condition('Synced', failed, { message: '' }),
    lacking('Synced', 'Degraded'),
    condition('Ready', { True: 'Healthy' }, { message: '{reason}' }),
    otherwise('Progressing', `Waiting for ${noun} to be available`),
  );
}

function providerHealth(object: KubeObject): Health {
  const conditions = conditionsOf(object);
  if (valueAt(object, ['status', 'conditions']) === undefined)
    return { status: 'Progressing', message: 'Waiting for provider to be installed' };
  const both = ['Installed', 'Healthy'].map((type) => findCondition(conditions, type));
  return {
    status: both.every((one) => one?.status === 'True') ? 'Healthy' : 'Degraded',
    message: both.map((one) => one?.reason ?? '').join(' '),
  };
}

const told = { True: 'Healthy', False: 'Degraded', Unknown: 'Degraded' } as const;

/** Kinds of which each has a check of its own; else the group says. */
export const cloudChecks: Checks = {
  'pkg.crossplane.io/Provider': providerHealth,
  'iam.aws.crossplane.io/Role': aws('Role'),
  'iam.aws.crossplane.io/RolePolicyAttachment': aws('RolePolicyAttachment'),
  'cloudfront.aws.crossplane.io/Distribution': aws('distribution'),
  'rds.aws.crossplane.io/DBCluster': aws('DBCluster'),
  'rds.aws.crossplane.io/DBInstance': aws('DBInstance'),
  'route53.aws.crossplane.io/ResourceRecordSet': aws('resourcrecordset'),
  's3.aws.crossplane.io/Bucket': aws('Bucket'),
  'pulumi.com/Stack': check(
    unobserved('Waiting for the operator to observe the latest spec change'),
    condition('Stalled', { True: 'Degraded' }),
    condition('Reconciling', { True: 'Progressing' }),
    condition('Ready', { True: 'Healthy' }),
    otherwise('Progressing', 'Waiting for the stack to be reconciled'),
  ),
  'networking.gke.io/ManagedCertificate': check(
    failedDomain,
    value('status.certificateStatus', { Active: 'Healthy' }, 'All certificates are active'),
    otherwise('Progressing', 'At least one certificate is still being provisioned'),
  ),
};

function failedDomain(object: KubeObject): Health | undefined {
  const domains = (valueAt(object, ['status', 'domainStatus']) ?? []) as { status?: string }[];
  if (!domains.some(({ status }) => status === 'FailedNotVisible')) return undefined;
  return { status: 'Degraded', message: 'At least one certificate has failed to be provisioned' };
}

/** Config Connector: a status that was written for an older spec says nothing. */
const configConnector = check(
  unobserved('Update in progress'),
  configConnectorOperator,
  condition('Ready', { True: 'Healthy' }, { reasons: ['UpToDate'] }),
  condition('Ready', told, { reasons: ['UpdateFailed', 'DependencyNotFound'] }),
  condition('Ready', { False: 'Suspended' }, { reasons: ['DependencyNotReady'] }),
  otherwise('Progressing', 'Update in progress'),
);

function configConnectorOperator(object: KubeObject): Health | undefined {
  const healthy = valueAt(object, ['status', 'healthy']);
  if (!object.kind.startsWith('ConfigConnector') || typeof healthy !== 'boolean') return undefined;
  return healthy
    ? { status: 'Healthy', message: `${object.kind} is healthy` }
    : { status: 'Degraded', message: `${object.kind} is not healthy` };
}

/** Checks of all kinds of a group and of those below it, by the ending of the group's name. */
export const cloudGroups: readonly (readonly [ending: string, check: Check])[] = [
  ['.crossplane.io', crossplane(crossplaneReady)],
  ['.upbound.io', crossplane([])],
  ['.cnrm.cloud.google.com', configConnector],
  [
    '.services.k8s.aws',
    check(
      condition('ACK.Terminal', { True: 'Degraded' }),
      condition('Ready', { False: 'Progressing' }),
      condition('Ready', { True: 'Healthy' }, { message: '' }),
      otherwise('Progressing', 'Waiting for resource to be ready'),
    ),
  ],
];
