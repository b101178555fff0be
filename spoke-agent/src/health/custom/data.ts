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
  numberAt,
  otherwise,
  type Rule,
  textOf,
  value,
  valueAt,
  without,
} from './rules.ts';

/** Strimzi: one condition says that it is not ready, another that it is. */
function strimzi(noun: string, except: string[] = []): Check {
  return check(
    condition('NotReady', { True: 'Degraded' }, { except }),
    condition('Ready', { True: 'Healthy' }, { message: '' }),
    otherwise('Progressing', `Waiting for ${noun}`),
  );
}

/** The objects of RabbitMQ's topology operator. */
function rabbit(noun: string): Check {
  const reasons = (reason: string, message: string) => ({ reasons: [reason], message });
  return check(
    condition('Ready', { True: 'Healthy' }, reasons('SuccessfulCreateOrUpdate', `RabbitMQ ${noun} ready`)),
    condition(
      'Ready',
      { False: 'Degraded' },
      reasons('FailedCreateOrUpdate', `RabbitMQ ${noun} failed to be created or updated`),
    ),
    otherwise('Unknown', `RabbitMQ ${noun} status is unknown`),
  );
}

const unknown = 'Waiting for RabbitMQ cluster readiness (conditions unknown)';
const rabbitCluster = check(
  condition('ReconcileSuccess', { False: 'Degraded' }),
  condition(['ClusterAvailable', 'AllReplicasReady'], { Unknown: 'Progressing' }, { message: unknown }),
  rabbitScaledToZero,
  condition('ClusterAvailable', { False: 'Progressing' }, { message: 'Waiting for RabbitMQ cluster formation' }),
  condition('AllReplicasReady', { False: 'Progressing' }, { message: 'Waiting for RabbitMQ instances ready' }),
  rabbitReady,
  otherwise('Progressing', 'Waiting for RabbitMQ Operator'),
);

function rabbitScaledToZero(object: KubeObject): Health | undefined {
  const ready = findCondition(conditionsOf(object), 'AllReplicasReady');
  if (ready?.status !== 'False' || ready.reason !== 'ScaledToZero') return undefined;
  if (numberAt(object, 'spec', 'replicas') !== 0) return undefined;
  return { status: 'Suspended', message: 'RabbitmqCluster is scaled to 0 replicas' };
}

function rabbitReady(object: KubeObject): Health | undefined {
  const types = ['ClusterAvailable', 'AllReplicasReady'];
  const isReady = types.every((type) => findCondition(conditionsOf(object), type)?.status === 'True');
  return isReady ? { status: 'Healthy', message: 'RabbitMQ cluster ready' } : undefined;
}

/** CloudNativePG: the phases that say something; any other is not known. */
const phases: Record<string, HealthStatus> = {
  'Cluster in healthy state': 'Healthy',
  'Setting up primary': 'Progressing',
  'Creating a new replica': 'Progressing',
  'Upgrading cluster': 'Progressing',
  'Waiting for the instances to become active': 'Progressing',
  'Promoting to primary cluster': 'Progressing',
  'Switchover in progress': 'Degraded',
  'Failing over': 'Degraded',
  'Upgrading Postgres major version': 'Degraded',
  'Cluster upgrade delayed': 'Degraded',
  'Waiting for user action': 'Degraded',
  'Primary instance is being restarted in-place': 'Degraded',
  'Primary instance is being restarted without a switchover': 'Degraded',
  'Cluster cannot execute instance online upgrade due to missing architecture binary': 'Degraded',
  'Online upgrade in progress': 'Degraded',
  'Applying configuration': 'Degraded',
  'Unable to create required cluster objects': 'Suspended',
  'Cluster cannot proceed to reconciliation due to an unknown plugin being required': 'Suspended',
  'Cluster has incomplete or invalid image catalog': 'Suspended',
  'Cluster is unrecoverable and needs manual intervention': 'Suspended',
};

function postgresDisabled({ metadata }: KubeObject): Health | undefined {
  if (metadata.annotations?.['cnpg.io/reconciliationLoop'] !== 'disabled') return undefined;
  return { status: 'Suspended', message: 'Cluster reconciliation is suspended' };
}

/** Elastic: the nodes that are there, then what the cluster itself says. */
function elasticNodes(object: KubeObject): Health | undefined {
  const available = numberAt(object, 'status', 'availableNodes');
  const sets = (valueAt(object, ['spec', 'nodeSets']) ?? []) as { count?: number }[];
  const wanted = sets.reduce((sum, { count = 0 }) => sum + count, 0);
  if (available === undefined || available >= wanted) return undefined;
  const message = `The desired amount of availableNodes is ${wanted} but the current amount is ${available}`;
  return { status: 'Progressing', message };
}

const look = 'Check the status of indices, replicas and shards';
const cluster = 'Elasticsearch Cluster status is';

/** MariaDB: anything that is not true yet holds the whole up. */
function mariadb(isFailure: (reason: string | undefined) => boolean): Check {
  const told: Rule = (object) => {
    const conditions = conditionsOf(object);
    const shown = conditions.find(({ status }) => status === 'False') ?? conditions.at(-1);
    const status = shown?.status !== 'False' ? 'Healthy' : isFailure(shown.reason) ? 'Degraded' : 'Progressing';
    return shown && { status, message: shown.message ?? '' };
  };
  return check(told, otherwise('Progressing', noStatus));
}

const noStatus = 'No status info available';
const mariadbObject = check(
  condition('Ready', { True: 'Healthy', False: 'Degraded', Unknown: 'Degraded' }),
  otherwise('Progressing', noStatus),
);

const tenantFailures = [
  'Statefulset not controlled by operator',
  'Another MinIO Tenant already exists in the namespace',
  'Different versions across MinIO Pools',
];

function tenant(object: KubeObject): Health {
  const state = textOf(valueAt(object, ['status', 'currentState']));
  if (state === 'Initialized') return { status: 'Healthy', message: state };
  return { status: tenantFailures.includes(state) ? 'Degraded' : 'Progressing', message: state || noStatus };
}

/** Databases, queues and storage. */
export const dataChecks: Checks = {
  'acid.zalan.do/postgresql': check(
    without('status.PostgresClusterStatus', 'Progressing', 'Waiting for postgres cluster status...'),
    value('status.PostgresClusterStatus', { Running: 'Healthy', Creating: 'Progressing', Updating: 'Progressing' }),
    otherwise('Degraded', '{status.PostgresClusterStatus}'),
  ),
  'postgresql.cnpg.io/Cluster': check(
    postgresDisabled,
    condition('cnpg.io/hibernation', { True: 'Suspended', False: 'Degraded', Unknown: 'Degraded' }),
    without('status.conditions', 'Progressing', '{status.phaseReason}'),
    value('status.phase', phases, '{status.phaseReason}'),
    otherwise('Unknown', '{status.phaseReason}'),
  ),
  'elasticsearch.k8s.elastic.co/Elasticsearch': check(
    elasticNodes,
    value('status.phase', { Invalid: 'Degraded' }, 'Elasticsearch phase is {value}'),
    value(
      'status.phase',
      { ApplyingChanges: 'Progressing', MigratingData: 'Progressing' },
      'Elasticsearch phase is {value}',
    ),
    value('status.health', { green: 'Healthy' }, `${cluster} Green`),
    value('status.health', { yellow: 'Progressing' }, `${cluster} Yellow. ${look}`),
    value('status.health', { red: 'Degraded' }, `${cluster} Red. ${look}`),
    otherwise('Unknown', `${cluster} unknown`),
  ),
  'k8s.mariadb.com/MariaDB': mariadb((reason) => reason === 'Failed'),
  'mariadb.mmontes.io/MariaDB': mariadb(() => false),
  'k8s.mariadb.com/Database': mariadbObject,
  'k8s.mariadb.com/Grant': mariadbObject,
  'k8s.mariadb.com/User': mariadbObject,
  'kafka.strimzi.io/Kafka': strimzi('Kafka Cluster', ['Creating']),
  'kafka.strimzi.io/KafkaBridge': strimzi('KafkaBridge'),
  'kafka.strimzi.io/KafkaConnect': strimzi('Kafka Connect'),
  'kafka.strimzi.io/KafkaConnector': strimzi('KafkaConnector'),
  'kafka.strimzi.io/KafkaTopic': strimzi('Kafka Topic'),
  'kafka.strimzi.io/KafkaUser': strimzi('Kafka User'),
  'minio.min.io/Tenant': tenant,
  'rabbitmq.com/RabbitmqCluster': rabbitCluster,
  'rabbitmq.com/Binding': rabbit('binding'),
  'rabbitmq.com/Exchange': rabbit('exchange'),
  'rabbitmq.com/Permission': rabbit('permission'),
  'rabbitmq.com/Policy': rabbit('policy'),
  'rabbitmq.com/Queue': rabbit('queue'),
  'rabbitmq.com/Shovel': rabbit('shovel'),
  'rabbitmq.com/User': rabbit('user'),
  'rabbitmq.com/Vhost': rabbit('vhost'),
};
