/** What the API is given: narrow views of the hub's parts. */
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Access } from './access/access.ts';
import type { Actions, ApiDeps, ConnectionState, ObjectKey, ReadinessCheck } from './api/deps.ts';
import type { Applications, IndexedApplication } from './assign/applications.ts';
import type { Changes } from './assign/change.ts';
import type { Resolution } from './assign/resolve.ts';
import type { HubConfig } from './config.ts';
import type { Failover } from './failover/failover.ts';
import type { Fleet } from './fleet/fleet.ts';
import { standingOf } from './generate/delete-in-order.ts';
import { nextDeparture } from './generate/deletion-order.ts';
import { listsPullRequestOf } from './generate/generators/pull-request-event.ts';
import type { Listings } from './hosts/listings.ts';
import { writeState } from './hydrate/write-state.ts';
import type { Metrics } from './metrics.ts';
import { type Dispatch, repositoriesOf } from './queue/dispatch.ts';
import type { WorkQueue } from './queue/queue.ts';
import type { RendererOptions } from './render/render.ts';
import { createRolloutCommands } from './rollout/commands.ts';
import { candidatesOf } from './rollout/gather.ts';
import { placeJoining } from './rollout/place.ts';
import { formatRollingSync } from './rollout/rolling-sync-status.ts';
import { rolloutKey } from './rollout/rollout-store.ts';
import type { RolloutViews } from './rollout/rollout-view.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import type { SourceLocation } from './source/location.ts';
import { receiveWebhook } from './source/receive-webhook.ts';
import type { ProviderName, PullRequestContent } from './source/webhook/provider.ts';
import type { WebhookSecrets } from './source/webhook.ts';
import { formatApplicationSetStatus } from './status/application-set-status.ts';
import { type DeletionInput, deletionCondition, formatDeletion } from './status/deletion-status.ts';
import type { ReadModel } from './status/read-model.ts';
import type { StoredEvaluation } from './store/derived.ts';
import type { HubNats } from './store/nats.ts';
import type { Stores } from './store/open-stores.ts';
import { nameOf, namespaceOf } from './store/specs.ts';
import { version } from './version.ts';

export interface ApiDepsInput {
  access: Access;
  logger: Logger;
  config: HubConfig;
  stores: Stores;
  readModel: ReadModel;
  actions: Actions;
  preview: ApiDeps['preview'];
  describeSource: ApiDeps['describeSource'];
  applications: Applications;
  listings: Pick<Listings, 'expire'>;
  changes: Changes;
  rollouts: Rollouts;
  rolloutViews: RolloutViews;
  resolve(app: IndexedApplication): Resolution;
  fleet: Fleet;
  failover: Failover;
  metrics: Metrics;
  dispatch: Dispatch;
  queue: WorkQueue;
  nats: HubNats;
  tools: RendererOptions['tools'];
  wanted(): Map<string, readonly SourceLocation[]>;
  now(): Date;
}

export function createApiDeps(input: ApiDepsInput): ApiDeps {
  const { stores, fleet, changes, metrics, logger } = input;
  const secrets = webhookSecrets(input.config);
  return {
    access: input.access,
    logger,
    metrics: metrics.registry,
    specs: {
      list: stores.specs.list,
      find: stores.specs.find,
      put: async (resource, options) => (await changes.put(resource, options)).spec,
      delete: async (...[kind, namespace, name, options]) =>
        await changes.remove({ kind, namespace, name }, { ...options, reason: `deleted by ${options.by}` }),
    },
    applications: input.readModel,
    actions: input.actions,
    preview: input.preview,
    describeSource: input.describeSource,
    clusters: {
      ...fleet.clusters,
      list: () => fleet.clusters.list().map((cluster) => withApplications(cluster, input.readModel)),
      find: (name) => findCluster(name, input),
    },
    identities: {
      approve: fleet.identities.approve,
      revoke: fleet.identities.revoke,
      requestKey: fleet.identities.requestKey,
      rename: fleet.renames.rename,
      remove: fleet.departures.remove,
    },
    plans: input.failover,
    adoption: fleet.adoption,
    tokens: fleet.tokens,
    enrolment: fleet.enrolment,
    rollouts: {
      ...input.rolloutViews,
      ...createRolloutCommands({ ...input, store: stores.rollouts }),
    },
    applicationSetStatus: ({ namespace, name }) => {
      const evaluation = stores.derived.evaluation(namespace, name);
      const deletion = deletionOf({ namespace, name }, input);
      if (!evaluation)
        return deletion && { conditions: [deletionCondition(deletion)], deletion: formatDeletion(deletion) };
      return formatApplicationSetStatus(evaluation, { rollingSync: rollingSyncOf(evaluation, input), deletion });
    },
    repositoryState: (url) => repositoryState(url, stores),
    writeState: (url) => writeState(url, stores.hydrations.list()),
    webhook: async (headers, body) =>
      await receiveWebhook(
        { headers, body },
        { logger, secrets, wanted: input.wanted, observe: metrics.webhook, ...webhookTargets(input) },
      ),
    readiness: async () => await readiness(input),
    version: { version, kustomizeVersion: input.tools.versions.kustomize, helmVersion: input.tools.versions.helm },
  };
}

/** Undefined for a set without `strategy: RollingSync`. */
function rollingSyncOf({ namespace, name, evaluatedAt }: StoredEvaluation, input: ApiDepsInput) {
  const key = rolloutKey('RollingSync', namespace, name);
  const object = input.rollouts.find(key);
  if (!object) return undefined;
  const { applications, resolve, stores } = input;
  const apps = candidatesOf(object, { applications, derived: stores.derived });
  const { invalid, plan } = object;
  const stepOf = (app: IndexedApplication) =>
    placeJoining(plan, { id: app.id, labels: app.application.metadata.labels ?? {} });
  return formatRollingSync({
    record: stores.rollouts.find(key),
    applications: apps.map((app) => ({
      app,
      step: invalid === undefined ? stepOf(app) : undefined,
      revision: resolve(app).app?.revision,
    })),
    invalid,
    evaluatedAt,
  });
}

/** Undefined for a set that is not being deleted. */
function deletionOf(
  { namespace, name }: ObjectKey,
  { stores, applications, fleet }: ApiDepsInput,
): DeletionInput | undefined {
  const spec = stores.specs.find('ApplicationSet', namespace, name);
  if (!spec?.deleting) return undefined;
  const set = spec.resource as ApplicationSet;
  const { derived, additions } = stores;
  const standing = standingOf(set, { derived, applications, withdrawals: additions.allWithdrawals });
  return {
    namespace,
    name,
    deletion: spec.deleting,
    steps: set.spec.strategy?.rollingSync?.steps?.length ?? 0,
    departure: spec.deleting.allAtOnce ? undefined : nextDeparture(set, standing),
    remaining: standing.present.length,
    stateOf: (cluster) => {
      const { state, lastSeenAt } = fleet.clusters.find(cluster) ?? { state: 'not known' };
      return lastSeenAt === undefined ? state : `${state}, last seen ${lastSeenAt}`;
    },
  };
}

type FleetCluster = ReturnType<Fleet['clusters']['list']>[number];

function findCluster(name: string, input: ApiDepsInput) {
  const cluster = input.fleet.clusters.find(name);
  return cluster && withApplications(cluster, input.readModel);
}

function withApplications(cluster: FleetCluster, readModel: ReadModel) {
  return { ...cluster, applications: readModel.clusterSummary(cluster.name) };
}

function webhookSecrets(config: HubConfig): WebhookSecrets {
  const secrets: Record<ProviderName, string | undefined> = {
    azureDevOps: config.webhookSecretAzureDevops,
    bitbucket: config.webhookSecretBitbucket,
    bitbucketServer: config.webhookSecretBitbucketServer,
    dockerHub: config.webhookSecretDockerHub,
    // signed as all of GitHub's calls
    ghcr: undefined,
    gitea: config.webhookSecretGitea,
    github: config.webhookSecretGithub,
    gitlab: config.webhookSecretGitlab,
    gogs: config.webhookSecretGogs,
    harbor: config.webhookSecretHarbor,
    quay: config.webhookSecretQuay,
  };
  return Object.fromEntries(Object.entries(secrets).filter(([, secret]) => secret));
}

/** What a webhook may set off. */
function webhookTargets({ applications, stores, dispatch, listings }: ApiDepsInput) {
  return {
    source: dispatch.source,
    readers: (location: SourceLocation) => ({
      applications: applications.bySource(location).map(({ application }) => application),
      // whoever builds upon it says nothing of which paths matter there
      generators:
        stores.derived.readersOf(location).length > 0 ||
        stores.specs
          .list('ApplicationSet')
          .some(({ resource }) =>
            repositoriesOf(resource as ApplicationSet).some((one) => one === location.repoURL || one.includes('{{')),
          ),
    }),
    pullRequest: async (content: PullRequestContent) => {
      const sets = stores.specs
        .list('ApplicationSet')
        .filter(({ resource }) => listsPullRequestOf(content, (resource as ApplicationSet).spec.generators));
      await Promise.all(
        sets.map(async ({ resource }) => {
          await listings.expire(`${namespaceOf(resource)}.${nameOf(resource)}`);
          await dispatch.generate(namespaceOf(resource), nameOf(resource));
        }),
      );
      return sets.length;
    },
  };
}

function repositoryState(url: string, stores: Stores): ConnectionState | undefined {
  const revisions = stores.derived.revisions().filter((revision) => revision.repoURL === url);
  const problem = revisions.find((revision) => revision.problem)?.problem;
  if (problem) return { status: 'Failed', message: problem.message };
  return revisions.length > 0 ? { status: 'Successful', message: '' } : undefined;
}

async function readiness({ nats, queue }: ApiDepsInput): Promise<ReadinessCheck[]> {
  const redis = await queue.marked().then(
    () => undefined,
    () => 'Redis does not answer',
  );
  return [
    { name: 'nats', ...(nats.isConnected() ? {} : { problem: 'NATS is not connected' }) },
    { name: 'redis', ...(redis === undefined ? {} : { problem: redis }) },
  ];
}
