import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Health } from '../health.ts';
import { findCondition } from '../kinds/condition.ts';
import {
  type Check,
  type Checks,
  check,
  condition,
  conditionsOf,
  conditionsUnobserved,
  otherwise,
  ready,
  textOf,
  unobserved,
  value,
  valueAt,
  without,
} from './rules.ts';

/** Knative: three conditions make it; each of those that are not true is told. */
function knativeService(object: KubeObject): Health {
  if (valueAt(object, ['status', 'conditions']) === undefined)
    return { status: 'Progressing', message: 'Waiting for status update.' };
  const conditions = conditionsOf(object);
  const failing = conditions.filter(({ status }) => status === 'False' || status === 'Unknown');
  const types = ['ConfigurationsReady', 'RoutesReady', 'Ready'];
  if (failing.length === 0 && types.every((type) => findCondition(conditions, type)?.status === 'True'))
    return { status: 'Healthy', message: 'Knative Service is healthy.' };
  const lines = failing.map(({ type, status, reason, message }) =>
    [`${type} is ${status}`, reason ? `, since ${reason}.` : '', message ? ` ${message}` : '', '\n'].join(''),
  );
  const isBroken = failing.some(({ status }) => status === 'False');
  return { status: isBroken ? 'Degraded' : 'Progressing', message: lines.join('') };
}

/** KubeVirt: what it prints, else what its conditions say. */
function virtualMachine(object: KubeObject): Health {
  const conditions = conditionsOf(object);
  const printed = textOf(valueAt(object, ['status', 'printableStatus']));
  if (findCondition(conditions, 'Paused')?.status === 'True') return { status: 'Suspended', message: 'Paused' };
  const isReady = findCondition(conditions, 'Ready');
  if (!isReady) return { status: 'Progressing', message: printed || 'No status available' };
  if (isReady.status === 'True') return { status: 'Healthy', message: printed || 'Running' };
  return valueAt(object, ['status', 'created']) === true
    ? { status: 'Progressing', message: printed || 'Starting' }
    : { status: 'Suspended', message: printed || 'Stopped' };
}

const instanceStates: Record<string, HealthStatus> = {
  Failed: 'Degraded',
  Pending: 'Progressing',
  Scheduling: 'Progressing',
  Scheduled: 'Progressing',
  Succeeded: 'Suspended',
  Unknown: 'Unknown',
};

/** OpenShift: a route is admitted by each of its routers. */
function openShiftRoute(object: KubeObject): Health {
  const waiting: Health = { status: 'Progressing', message: 'Route is still getting admitted' };
  const ingress = valueAt(object, ['status', 'ingress']);
  if (!Array.isArray(ingress)) return waiting;
  const told = ingress.map((one) => findCondition(conditionsOf({ status: one }), 'Admitted'));
  if (told.every((one) => one?.status === 'True')) return { status: 'Healthy', message: 'Route is healthy' };
  return told.some((one) => one?.status === 'False') ? { status: 'Degraded', message: 'Route is degraded' } : waiting;
}

/** The Grafana operator tells each condition whole. */
function grafanaPart(object: KubeObject): Health {
  const told: string[] = [];
  let status: HealthStatus = 'Progressing';
  for (const { type, status: is, reason, message } of conditionsOf(object)) {
    if (reason !== undefined) told.push(`${reason} for ${type}${message === undefined ? '' : ` because ${message}`}`);
    if (is === 'False') return { status: 'Degraded', message: told.join(', ') };
    if (is === 'True') status = 'Healthy';
  }
  return { status, message: told.join(', ') };
}

const gloo: Check = (object) => {
  const own = valueAt(object, ['status']) as Record<string, unknown> | undefined;
  const first = Object.values((own?.['statuses'] ?? {}) as Record<string, unknown>)[0] ?? own;
  const { state, reason } = (first ?? {}) as { state?: string | number; reason?: string };
  const states: Record<string, Health> = {
    0: { status: 'Suspended', message: 'The resource has not yet been validated' },
    1: { status: 'Healthy', message: 'The resource has been validated' },
    2: { status: 'Degraded', message: reason ?? '' },
    3: { status: 'Degraded', message: reason ?? '' },
  };
  const numbers: Record<string, number> = { Pending: 0, Accepted: 1, Rejected: 2, Warning: 3 };
  const known = state === undefined ? undefined : states[numbers[state] ?? state];
  return known ?? { status: 'Progressing', message: 'Update in progress' };
};

const victoriaMetrics = check(
  without('status', 'Progressing', 'Waiting for the operator to reconcile'),
  unobserved('Waiting for the operator to reconcile'),
  value('status.updateStatus', { operational: 'Healthy' }, 'All components are operational'),
  value('status.updateStatus', { expanding: 'Progressing' }, '{status.reason|Reconciliation in progress}'),
  value('status.updateStatus', { paused: 'Suspended' }, '{status.reason|Reconciliation is paused}'),
  value('status.updateStatus', { failed: 'Degraded' }, '{status.reason|Reconciliation failed}'),
  otherwise('Progressing', 'Waiting for the operator to report status'),
);

const some = 'SomePodsNotReady';
const monitoring = check(
  condition('Available', { True: 'Healthy' }, { message: 'All instances are available' }),
  condition('Available', { False: 'Progressing', Unknown: 'Progressing' }, { reasons: [some] }),
  condition('Available', { False: 'Degraded', Unknown: 'Degraded' }),
  otherwise('Progressing', 'Waiting for initialization'),
);

/** What platforms run for others: networks, machines, policies and dashboards. */
export const platformChecks: Checks = {
  'serving.knative.dev/Service': knativeService,
  'monitoring.coreos.com/Prometheus': monitoring,
  'kubevirt.io/VirtualMachine': virtualMachine,
  'kubevirt.io/VirtualMachineInstance': check(
    value('status.phase', instanceStates),
    condition('Paused', { True: 'Suspended' }),
    condition('Ready', { True: 'Healthy' }, { message: 'Running' }),
    condition('Ready', { False: 'Degraded', Unknown: 'Degraded' }),
    otherwise('Progressing', '{status.phase|No status available}'),
  ),
  'cdi.kubevirt.io/DataVolume': check(
    value('status.phase', { Succeeded: 'Healthy', Paused: 'Suspended' }),
    condition('Running', { False: 'Degraded' }, { reasons: ['Error'] }),
    value('status.phase', { Failed: 'Degraded', Unknown: 'Degraded' }),
    otherwise('Progressing', '{status.phase|No status available}'),
  ),
  'route.openshift.io/Route': openShiftRoute,
  'projectcontour.io/HTTPProxy': check(
    conditionsUnobserved('Waiting for status'),
    value('status.currentStatus', { valid: 'Healthy', invalid: 'Degraded' }, '{status.description}'),
    otherwise('Progressing', '{status.description|Waiting for status}'),
  ),
  'projectcontour.io/ExtensionService': check(
    conditionsUnobserved('Waiting for status'),
    condition('Valid', { True: 'Healthy', False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for status'),
  ),
  'kyverno.io/ClusterPolicy': ready('Waiting for ClusterPolicy to become ready'),
  'kyverno.io/Policy': check(
    condition('Ready', { True: 'Healthy' }, { reasons: ['Succeeded'], message: 'Policy is ready' }),
    otherwise('Progressing', 'Waiting for Policy to be ready'),
  ),
  'grafana.integreatly.org/GrafanaDashboard': grafanaPart,
  'grafana.integreatly.org/GrafanaFolder': grafanaPart,
  'grafana.integreatly.org/Grafana': check(
    without('status.stageStatus', 'Progressing', 'Waiting for Grafana status info'),
    value('status.stageStatus', { failed: 'Degraded' }, 'Failed at stage {status.stage}'),
    grafanaComplete,
    otherwise('Progressing', '{status.stage}'),
  ),
  'k8s.keycloak.org/Keycloak': check(
    without('status.conditions', 'Progressing', 'Waiting for Keycloak status conditions to exist'),
    condition('Ready', { True: 'Healthy' }, { message: '' }),
    condition('HasErrors', { True: 'Degraded' }, { message: 'Has Errors: {message}' }),
    otherwise('Progressing'),
  ),
  'flink.apache.org/FlinkDeployment': check(
    value('status.reconciliationStatus.success', { true: 'Healthy' }, ''),
    value('status.reconciliationStatus.state', { DEPLOYED: 'Healthy' }, ''),
    value(
      'status.jobManagerDeploymentStatus',
      { DEPLOYED_NOT_READY: 'Progressing', DEPLOYING: 'Progressing' },
      'Waiting for deploying',
    ),
    value('status.jobManagerDeploymentStatus', { ERROR: 'Degraded' }, '{status.reconciliationStatus.error}'),
    otherwise('Progressing', 'Waiting for Flink operator'),
  ),
  'gateway.solo.io/Gateway': gloo,
  'gateway.solo.io/MatchableHttpGateway': gloo,
  'gateway.solo.io/RouteOption': gloo,
  'gateway.solo.io/RouteTable': gloo,
  'gateway.solo.io/VirtualHostOption': gloo,
  'gateway.solo.io/VirtualService': gloo,
  'gloo.solo.io/Proxy': gloo,
  'gloo.solo.io/Settings': gloo,
  'gloo.solo.io/Upstream': gloo,
  'gloo.solo.io/UpstreamGroup': gloo,
};

function grafanaComplete(object: KubeObject): Health | undefined {
  const at = (field: string) => valueAt(object, ['status', field]);
  return at('stage') === 'complete' && at('stageStatus') === 'success' ? { status: 'Healthy' } : undefined;
}

/** Checks of all kinds of a group. */
export const platformGroups: readonly (readonly [ending: string, check: Check])[] = [
  ['operator.victoriametrics.com', victoriaMetrics],
];
