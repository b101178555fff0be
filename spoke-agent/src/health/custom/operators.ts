import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Health } from '../health.ts';
import {
  type Check,
  type Checks,
  check,
  condition,
  conditionsOf,
  conditionsUnobserved,
  lacking,
  numberAt,
  otherwise,
  type Rule,
  textOf,
  value,
  valueAt,
  without,
} from './rules.ts';

/** Karmada: what it was asked for has been applied to every cluster, and does well there. */
function karmadaBinding(object: KubeObject): Health {
  const lists = [valueAt(object, ['spec', 'clusters']), valueAt(object, ['status', 'aggregatedStatus'])];
  const [clusters, told] = lists as [unknown[] | undefined, { health?: string; applied?: boolean }[] | undefined];
  if (!told?.length || (clusters && clusters.length !== told.length))
    return { status: 'Progressing', message: 'Current resource status is insufficient' };
  const isBad = told.some(
    ({ health, applied }) => health === 'Unhealthy' || (health === 'Unknown' && applied !== true),
  );
  return isBad ? { status: 'Degraded', message: 'Current resource status is unhealthy' } : { status: 'Healthy' };
}

const solrNodes: Rule = (object) => {
  const nodes = (valueAt(object, ['status', 'solrNodes']) ?? []) as { ready?: boolean }[];
  return nodes.every(({ ready }) => ready === true)
    ? undefined
    : { status: 'Progressing', message: 'Not all replicas are ready' };
};

/** Open Cluster Management: a policy on the hub tells of clusters, one on a cluster of its templates. */
function openClusterPolicy(object: KubeObject): Health {
  const [clusters, templates] = ['status', 'details'].map((field) => valueAt(object, ['status', field])) as [
    { compliant?: string; clustername?: string }[] | undefined,
    { compliant?: string; templateMeta?: { name?: string } }[] | undefined,
  ];
  const status = valueAt(object, ['status', 'compliant']) === 'Compliant' ? 'Healthy' : 'Degraded';
  const [noun, parts] = clusters
    ? (['clusters', clusters.map((one) => ({ ...one, name: one.clustername }))] as const)
    : (['templates', (templates ?? []).map((one) => ({ ...one, name: one.templateMeta?.name }))] as const);
  if (!clusters && !templates) return { status };
  const failing = parts.filter(({ compliant }) => compliant !== 'Compliant').map(({ name = '' }) => name);
  const message = failing.length > 0 ? `NonCompliant ${noun}: ${failing.join(', ')}` : `All ${noun} are compliant`;
  return { status, message };
}

const noClusters: Rule = (object) => {
  const placement = valueAt(object, ['status', 'placement']);
  const isPlaced = Array.isArray(placement) && placement.length > 0;
  return isPlaced && valueAt(object, ['status', 'status']) === undefined
    ? { status: 'Healthy', message: 'No clusters match this policy' }
    : undefined;
};

/** Keptn: one word says it all. */
function keptn(path = 'status.status'): Check {
  return check(
    value(path, { Succeeded: 'Healthy' }, '{kind} is healthy'),
    value(path, { Failed: 'Degraded' }, '{kind} is degraded'),
    otherwise('Progressing', '{kind} is progressing'),
  );
}

const humioStates = { Exists: 'Healthy', NotFound: 'Missing', ConfigError: 'Degraded', Unknown: 'Unknown' } as const;
const humio = check(
  value('status.state', humioStates, 'Component state: {value}.'),
  otherwise('Progressing', 'Update in progress'),
);

const nodesReady = '{status.ready}/{status.size} node(s) are ready';
const perconaStates = {
  initializing: 'Progressing',
  ready: 'Healthy',
  error: 'Degraded',
  stopping: 'Progressing',
  paused: 'Suspended',
} as const;

/** Confluent: a service is provisioned, then it runs. */
function confluent(noun: string): Check {
  return check(
    value('status.phase', { RUNNING: 'Healthy' }, `${noun} running`),
    value('status.phase', { PROVISIONING: 'Progressing' }, `${noun} provisioning`),
    otherwise('Progressing', `Waiting for ${noun}`),
  );
}

function clickHouse(noun: string): Check {
  return check(
    without('status.status', 'Progressing', `${noun} status not yet available`),
    value('status.status', { Completed: 'Healthy' }, `${noun} installation completed successfully`),
    value('status.status', { InProgress: 'Progressing' }, `${noun} installation in progress`),
    otherwise('Degraded', `${noun} status: {status.status}`),
  );
}

/** Replicas as the collector tells them, `2/3`. */
function collectorReplicas(object: KubeObject): Health {
  const told = textOf(valueAt(object, ['status', 'scale', 'statusReplicas']));
  const [, ready, total] = /(\d+)\/(\d+)/.exec(told) ?? [];
  if (ready === undefined) return { status: 'Progressing', message: `Unable to parse replica status: ${told}` };
  if (Number(ready) === 0) {
    const isIdle = Number(total) === 0 && valueAt(object, ['spec', 'mode']) === 'daemonset';
    return isIdle
      ? { status: 'Healthy', message: 'DaemonSet has no schedulable nodes (0/0)' }
      : { status: 'Degraded', message: 'No replicas are ready' };
  }
  return Number(ready) === Number(total)
    ? { status: 'Healthy', message: 'All replicas are ready' }
    : { status: 'Progressing', message: 'Replicas are starting up' };
}

/** Ceph: what it says of itself, then how far its operator is. */
function cephCluster(object: KubeObject): Health {
  const health = textOf(valueAt(object, ['status', 'ceph', 'health']));
  const details = (valueAt(object, ['status', 'ceph', 'details']) ?? {}) as Record<string, { message?: string }>;
  const reasons = Object.keys(details)
    .sort()
    .flatMap((type) => details[type]?.message ?? []);
  const state = textOf(valueAt(object, ['status', 'state']));
  const isOk = health === 'HEALTH_OK';
  const message = [
    health && `Ceph health is ${health}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`,
    isOk && state && `Ceph cluster state is ${state}`,
    textOf(valueAt(object, ['status', 'message'])),
  ];
  const status = isOk ? cephStatus(state) : cephFailures.includes(health) ? 'Degraded' : 'Progressing';
  return { status, message: message.filter((part) => part).join(' - ') };
}

const cephFailures = ['HEALTH_ERR', 'HEALTH_WARN'];

function cephStatus(state: string): HealthStatus {
  if (['', 'Created', 'Connected'].includes(state)) return 'Healthy';
  return state === 'Error' ? 'Degraded' : 'Progressing';
}

const canaryPhases: Record<string, HealthStatus> = {
  Failed: 'Degraded',
  Progressing: 'Progressing',
  Finalising: 'Progressing',
  Promoting: 'Progressing',
  Succeeded: 'Healthy',
  Initialized: 'Healthy',
};

function canary(object: KubeObject): Health {
  const phase = textOf(valueAt(object, ['status', 'phase']));
  const weight = numberAt(object, 'status', 'canaryWeight') ?? 0;
  const messages = conditionsOf(object).map(({ message = '' }) => message);
  const parts = [phase, ...(weight > 0 ? [`Canary Weight: ${weight} %`] : []), ...messages];
  const status = Object.hasOwn(canaryPhases, phase) ? canaryPhases[phase] : undefined;
  return { status: status ?? 'Unknown', message: parts.join(' --- ') };
}

/** Knative's operators: what is true of these; all conditions are told until all are. */
function knative(name: string, types: readonly string[], notYet: readonly string[]): Check {
  return check(without('status.conditions', 'Progressing', `Waiting for ${name}`), (object) => {
    const conditions = conditionsOf(object);
    const message = conditions.map(({ type, status }, index) => `${index + 1}: ${type} | ${status}\n`).join('');
    const isWaiting = conditions.some(
      ({ type, status }) => status === 'Unknown' || (status === 'False' && notYet.includes(type)),
    );
    if (isWaiting) return { status: 'Progressing', message };
    const isDone = types.every((type) => conditions.some((one) => one.type === type && one.status === 'True'));
    return isDone ? { status: 'Healthy', message: `${name} is healthy.` } : { status: 'Degraded', message };
  });
}

const machinesHealthy: Rule = (object) => {
  const healthy = numberAt(object, 'status', 'currentHealthy');
  if (healthy === undefined) return undefined;
  return { status: healthy === numberAt(object, 'status', 'expectedMachines') ? 'Healthy' : 'Degraded' };
};

const sapFailed = { message: '{message}' };
const sap = check(
  conditionsUnobserved('Waiting for spec update to be observed'),
  without('status.conditions', 'Progressing', 'Waiting for status'),
  condition('Succeeded', { False: 'Degraded' }, sapFailed),
  condition('Failed', { True: 'Degraded' }, sapFailed),
  otherwise('Healthy', 'Ready to use'),
);

/** What operators say in words of their own. */
export const operatorChecks: Checks = {
  'install.istio.io/IstioOperator': check(
    value('status.status', { 0: 'Unknown', NONE: 'Unknown' }, 'Component is not present.'),
    value(
      'status.status',
      { 1: 'Progressing', UPDATING: 'Progressing' },
      'Component is being updated to a different version.',
    ),
    value(
      'status.status',
      { 2: 'Progressing', RECONCILING: 'Progressing' },
      'Controller has started but not yet completed reconciliation loop for the component.',
    ),
    value('status.status', { 3: 'Healthy', HEALTHY: 'Healthy' }, 'Component is healthy.'),
    value('status.status', { 4: 'Degraded', ERROR: 'Degraded' }, 'Component is in an error state.'),
    otherwise('Progressing', 'Waiting for Istio Control Plane'),
  ),
  'work.karmada.io/ResourceBinding': karmadaBinding,
  'work.karmada.io/ClusterResourceBinding': karmadaBinding,
  'solr.apache.org/SolrCloud': check(
    without('status.solrNodes', 'Progressing', 'Waiting for solr to exist'),
    solrNodes,
    otherwise('Healthy', 'Solr is ready'),
  ),
  'argoproj.io/EventBus': check(
    condition('Deployed', { True: 'Healthy', False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for initialization'),
  ),
  'kiali.io/Kiali': check(
    condition('Successful', { True: 'Healthy' }),
    condition('Failure', { True: 'Degraded' }),
    condition('Running', { True: 'Progressing' }, { reasons: ['Running'] }),
    otherwise('Progressing', 'Waiting for Kiali'),
  ),
  'policy.open-cluster-management.io/Policy': check(
    value('spec.disabled', { true: 'Healthy' }, 'Policy is disabled'),
    (object) => (valueAt(object, ['status', 'compliant']) === undefined ? noClusters(object) : undefined),
    without('status.compliant', 'Progressing', 'Waiting for the status to be reported'),
    openClusterPolicy,
  ),
  'lifecycle.keptn.sh/KeptnAppVersion': keptn(),
  'lifecycle.keptn.sh/KeptnTask': keptn(),
  'lifecycle.keptn.sh/KeptnWorkloadInstance': keptn(),
  'lifecycle.keptn.sh/KeptnWorkloadVersion': keptn(),
  'lifecycle.keptn.sh/KeptnEvaluation': keptn('status.overallStatus'),
  'core.humio.com/HumioAction': humio,
  'core.humio.com/HumioAlert': humio,
  'core.humio.com/HumioIngestToken': humio,
  'core.humio.com/HumioParser': humio,
  'core.humio.com/HumioRepository': humio,
  'core.humio.com/HumioView': humio,
  'psmdb.percona.com/PerconaServerMongoDB': check(
    without('status', 'Unknown', 'Cluster status is unknown'),
    value('status.state', perconaStates, nodesReady),
    otherwise('Unknown', nodesReady),
  ),
  'pxc.percona.com/PerconaXtraDBCluster': check(
    value('status.state', { initializing: 'Progressing', ready: 'Healthy' }, nodesReady),
    value('status.state', { paused: 'Unknown' }, 'Cluster is paused'),
    value('status.state', { stopping: 'Degraded' }, `Cluster is stopping (${nodesReady})`),
    perconaFailed,
    otherwise('Unknown', 'Cluster status is unknown'),
  ),
  'cluster.x-k8s.io/MachineHealthCheck': check(machinesHealthy, otherwise('Progressing')),
  'clickhouse.altinity.com/ClickHouseInstallation': clickHouse('ClickHouse'),
  'platform.confluent.io/ControlCenter': confluent('ControlCenter'),
  'platform.confluent.io/Kafka': confluent('Kafka'),
  'platform.confluent.io/SchemaRegistry': confluent('SchemaRegistry'),
  'platform.confluent.io/Zookeeper': confluent('Zookeeper'),
  'grafana.integreatly.org/GrafanaDatasource': check(
    without('status', 'Progressing'),
    (object) => (textOf(valueAt(object, ['status', 'uid'])) === '' ? { status: 'Progressing' } : undefined),
    value('status.NoMatchingInstances', { true: 'Degraded' }, "can't find matching grafana instance"),
    otherwise('Healthy'),
  ),
  'db.atlasgo.io/AtlasSchema': check(
    lacking('Ready', 'Progressing', 'Waiting for Atlas Operator'),
    condition('Ready', { True: 'Healthy' }, { message: '{reason}' }),
    condition('Ready', { False: 'Progressing' }, { reasons: ['Reconciling', 'GettingDevDB'], message: '{reason}' }),
    condition('Ready', { False: 'Degraded', Unknown: 'Degraded' }, { message: '{reason}' }),
  ),
  'operator.knative.dev/KnativeServing': knative(
    'KnativeServing',
    ['DependenciesInstalled', 'DeploymentsAvailable', 'InstallSucceeded', 'Ready'],
    ['DeploymentsAvailable', 'Ready'],
  ),
  'operator.knative.dev/KnativeEventing': knative('KnativeEventing', ['InstallSucceeded', 'Ready'], ['Ready']),
  'opentelemetry.io/OpenTelemetryCollector': check(
    without('status', 'Progressing', 'Waiting for OpenTelemetry Collector status'),
    (object) => (valueAt(object, ['status', 'scale', 'statusReplicas']) ? collectorReplicas(object) : undefined),
    value('spec.mode', { sidecar: 'Healthy' }, 'Collector is running in sidecar mode'),
    otherwise('Progressing', 'Scale status not available'),
  ),
  'services.cloud.sap.com/ServiceInstance': sap,
  'services.cloud.sap.com/ServiceBinding': sap,
  'ceph.rook.io/CephCluster': check(without('status', 'Progressing', 'Waiting for status to be reported'), cephCluster),
  'flagger.app/Canary': check(without('status', 'Unknown', 'No status'), canary),
};

function perconaFailed(object: KubeObject): Health | undefined {
  if (valueAt(object, ['status', 'state']) !== 'error') return undefined;
  const told = valueAt(object, ['status', 'message']);
  const message = Array.isArray(told) ? told.map(textOf).join(', ') : textOf(told);
  return { status: 'Degraded', message: `Cluster is on error: ${message}` };
}
