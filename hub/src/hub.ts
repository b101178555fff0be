/**
 * The hub, composed: stores in NATS, the queue in Redis, the stages, the read model and the API. A replica is stateless;
 * any number of them share the stores and the queue, and killing one loses nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { subjects } from '@wheelhouse/shared/protocol/subjects';

import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';

import { startTracing } from '@wheelhouse/shared/telemetry/tracing';
import { createAdminAccess, hashToken } from './access/access.ts';
import { createActions } from './actions.ts';
import { createApiServer } from './api/server.ts';
import { createApiDeps } from './api-deps.ts';
import { type Applications, createApplications, generatedNamesWith } from './assign/applications.ts';
import { createChanges } from './assign/change.ts';
import { createDestinations } from './assign/destination.ts';
import { hubCluster } from './assign/hub-cluster.ts';
import { createAtWork } from './at-work.ts';
import { type HubConfig, redactHubConfig } from './config.ts';
import { followRetentions } from './failover/retention.ts';
import { createFailoverParts, duePlans } from './failover-parts.ts';
import { type Authority, loadAuthority } from './fleet/authority.ts';
import { createCommands } from './fleet/commands.ts';
import { startFleet } from './fleet/fleet.ts';
import { identifyStore } from './fleet/store-identity.ts';
import { openOutside } from './generate/outside.ts';
import { openHookCallers } from './hook-callers.ts';
import { createHostRule } from './hosts/allowed.ts';
import { createHttp } from './hosts/http/http.ts';
import { createResponses } from './hosts/http/responses.ts';
import { createListings } from './hosts/listings.ts';
import { leaveLostStore } from './lost-store.ts';
import { createMetrics } from './metrics.ts';
import { createGenerateDeps, createResolve, startPipeline } from './pipeline.ts';
import { createPreview } from './preview/preview.ts';
import { proxiesOf } from './proxy.ts';
import { createDispatch } from './queue/dispatch.ts';
import { createForget } from './queue/forget.ts';
import { createWorkQueue } from './queue/queue.ts';
import { createSchedule } from './queue/schedule.ts';
import { findTools } from './render/find-tool.ts';
import { createRenderer } from './render/render.ts';
import { readRenderSettings } from './render/settings.ts';
import { createSourceDetails } from './render/source-details.ts';
import { followRollouts } from './rollout/follow-rollouts.ts';
import { createRolloutParts } from './rollout/rollout-parts.ts';
import { loadSecret } from './secret-file.ts';
import { openSources } from './source/open-sources.ts';
import { createGitSource } from './source/source.ts';
import { wantedRevisions } from './source/wanted.ts';
import { followStatuses } from './status/follow-statuses.ts';
import { createReadModel } from './status/read-model.ts';
import { createTraceRecorder } from './status/record-traces.ts';
import { createStatuses } from './status/statuses.ts';
import { connectHub } from './store/nats.ts';
import { createNatsClock, type NatsClock } from './store/nats-clock.ts';
import { openStores, type Stores } from './store/open-stores.ts';
import { consumeStatusOnce } from './store/status-stream.ts';
import { createSweep } from './sweep.ts';

export interface Hub extends AsyncDisposable {
  /** Where the API listens, `https://127.0.0.1:8443`. */
  readonly url: string;
}

export interface HubDeps {
  logger: Logger;
  /** Of which children (git, kustomize, helm) see PATH and the proxy settings only. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The hub stopped by itself and cannot go on: the process is to end, and to be started again. */
  onFatal?(error: FleetError): void;
}

interface Context extends HubDeps {
  config: HubConfig;
  signal: AbortSignal;
  /** What is to be closed, last opened first. */
  open: AsyncDisposableStack;
  clock: NatsClock;
  now(): Date;
  /** Stops everything, for a reason that a person must know. */
  end(error: FleetError): void;
}

/** Starts a replica and returns once its API answers. The signal stops it; disposing drains and closes. */
export async function startHub(config: HubConfig, deps: HubDeps, parent: AbortSignal): Promise<Hub> {
  await using open = new AsyncDisposableStack();
  const stop = new AbortController();
  const clock = createNatsClock(deps);
  const context: Context = {
    config,
    open,
    ...deps,
    signal: AbortSignal.any([parent, stop.signal]),
    clock,
    now: clock.now,
    end: (error) => {
      deps.logger.error({ err: error }, 'the hub cannot go on');
      stop.abort();
      deps.onFatal?.(error);
    },
  };
  deps.logger.info({ config: redactHubConfig(config) }, 'hub starts');
  open.use(startTracing({ service: 'hub', endpoint: config.otlpEndpoint, attributes: { replica: config.replica } }));
  open.defer(() => stop.abort());
  const foundation = await openFoundation(context);
  const state = await openState(context, foundation);
  const running = startStages(context, foundation, state);
  const url = await serve(context, { ...foundation, ...state, ...running });
  const opened = open.move();
  return { url, [Symbol.asyncDispose]: async () => await opened.disposeAsync() };
}

type Foundation = Awaited<ReturnType<typeof openFoundation>>;
type State = Awaited<ReturnType<typeof openState>>;
type Running = ReturnType<typeof startStages>;

/** Keys, connections and what is stored behind them. */
async function openFoundation({ config, logger, signal, open, now, clock, end }: Context) {
  const { data, natsUrl, replica } = config;
  const authority = await loadAuthority({ directory: path.join(data, 'authority'), names: certificateNames(config) });
  const sealingKey = Buffer.from(await loadSecret(path.join(data, 'sealing-key')), 'base64url');
  const adminToken = await loadSecret(adminTokenFile(config));
  const connectAs = async (user: ReturnType<typeof authority.hubUser>, name: string) =>
    open.use(await connectHub({ logger }, { url: natsUrl, user, ca: authority.ca.pem, name }, signal));
  const nats = await connectAs(authority.hubUser(), replica);
  const systemNats = await connectAs(authority.systemUser(), `${replica} system`);
  let stores: Stores | undefined;
  const onLost = () => {
    if (stores) void leaveLostStore({ logger, specs: stores.specs, end }, { directory: data });
  };
  stores = await openStores({ nats, logger, authority, sealingKey, now, onLost }, signal);
  await clock.follow(nats, signal);
  await identifyStore({ ...stores, logger, now }, { file: path.join(data, 'store-id') });
  const queue = open.use(
    await createWorkQueue({ logger, signal }, { redisUrl: config.redisUrl, prefix: config.redisPrefix }),
  );
  return { authority, adminToken, nats, systemNats, stores, queue };
}

/** Copies in memory, and what is worked out from them. */
async function openState({ config, environment, logger, signal, open, now }: Context, foundation: Foundation) {
  const { stores } = foundation;
  const statuses = createStatuses(now);
  const namedAfter = (cluster: string) => generatedNamesWith(applications.byCluster(cluster), cluster);
  // statuses are heard of before it is known what is desired
  const placed: { find?: Applications['find'] } = {};
  const clusterOf = (app: string) => placed.find?.(app)?.cluster;
  const fleet = await startFleet(
    { ...foundation, ...createAtWork(stores), statuses, namedAfter, clusterOf, logger, now },
    fleetOptions(config),
    signal,
  );
  const destinations = createDestinations({
    enrolled: fleet.clusters.registered,
    onChange: fleet.onDestinationsChange,
  });
  const { specs, derived, additions, hydrations } = stores;
  const applications: Applications = open.use(
    createApplications({ specs, derived, destinations, onClustersChange: fleet.onDestinationsChange }),
  );
  placed.find = applications.find;
  const resolve = createResolve(stores);
  const rolloutParts = createRolloutParts(stores);
  const generation = (cluster: string) =>
    Math.max(stores.documents.head(cluster)?.gen ?? 0, fleet.clusters.find(cluster)?.appliedGeneration ?? 0);
  const { lastSeen, heartbeat, clusters } = fleet;
  const watched = { derived, additions, hydrations, applications, isAnnounced: clusters.isAnnounced, now };
  const changes = createChanges({ ...stores, ...watched, destinations, generation, audit: fleet.audit });
  const retentions = followRetentions(stores.records);
  const readModel = open.use(
    createReadModel({
      ...watched,
      statuses,
      resolve,
      gate: rolloutParts.gate,
      lastSeen,
      heartbeat,
      leaving: retentions.find,
      adopted: fleet.adoption,
    }),
  );
  const tools = await findTools(config, environment['PATH'] ?? '');
  return {
    statuses,
    fleet,
    destinations,
    retentions,
    applications,
    resolve,
    ...rolloutParts,
    changes,
    readModel,
    tools,
    wanted: () => wantedRevisions({ applications, specs, derived }),
  };
}

function fleetOptions(config: HubConfig) {
  return {
    hubUrl: publicUrl(config),
    natsUrls: config.publicNatsUrls ?? [config.natsUrl],
    revocationsFile: path.join(config.data, 'revocations.json'),
    jwtLifeMs: config.jwtLife,
    keyLifeMs: config.keyLife,
    lostAfterMs: config.lostAfter,
    natsLog: config.natsLog,
  };
}

function startStages(context: Context, foundation: Foundation, state: State) {
  const { config, logger, signal, open, now } = context;
  const { authority, nats, stores, queue } = foundation;
  const { applications, fleet, statuses, rollouts, rolloutKeys, rolloutViews, readModel, wanted } = state;
  const metrics = createMetrics({
    applications: readModel.summary,
    clusters: fleet.states,
    plans: () => stores.records.plans.list(),
    adoptions: fleet.adoption.outcomes,
    contacts: fleet.contacts,
    queue: queue.counts,
    rollouts: rolloutViews.phases,
  });
  const { sources, branches, renderer } = openTools(context, stores, state);
  const schedule = createSchedule({
    logger,
    queue,
    pollIntervalMs: config.pollInterval,
    sweepIntervalMs: config.sweepInterval,
  });
  const repositories = () => wanted().keys();
  const watched = {
    specs: stores.specs,
    derived: stores.derived,
    additions: stores.additions,
    hydrations: stores.hydrations,
    applications,
    clusters: fleet,
    plans: duePlans(stores, now),
  };
  const dispatch = open.use(
    createDispatch({ ...watched, logger, queue, now, repositories, rollouts: rolloutKeys, onLost: schedule.lost }),
  );
  if (config.otlpEndpoint) void consumeStatusOnce({ nats, logger }, { onStatus: createTraceRecorder({ now }) }, signal);
  const follower = open.use(
    followStatuses({ ...watched, statuses, retentions: state.retentions, dispatch, metrics, logger, now }),
  );
  const forget = open.use(createForget({ ...stores, applications, logger }));
  followRollouts({ ...watched, rollouts, store: stores.rollouts, statuses, dispatch, now }, signal);
  const reportHub = async (status: AppStatus) => {
    await nats.run(() => nats.jetstream.publish(subjects.status(hubCluster, status.app), JSON.stringify(status)));
  };
  const { outside, listings } = openGenerators(context, { stores, metrics });
  const shared = { ...state, logger, stores, queue, metrics, now };
  const generating = { outside, newGitFileGlobbing: config.newGitFileGlobbing };
  const signingKeyId = authority.documentKey.kid;
  const { setUnexplained } = fleet.adoption;
  const assigning = { clusters: fleet.clusters, reportHub, signingKeyId, setUnexplained };
  const pipeline = { ...shared, ...generating, sources, branches, renderer, ...assigning };
  const hookCallers = open.use(openHookCallers(config, context.environment));
  const { failover, run } = createFailoverParts({ ...pipeline, fleet, hookCallers }, dispatch);
  startPipeline(pipeline, dispatch, { run });
  const sweep = createSweep({ ...shared, dispatch, follower, forget }, config, signal);
  open.use(schedule.start({ ...dispatch, sweep }, signal));
  const preview = createPreview({ ...pipeline, ...stores, ...createGenerateDeps(pipeline) }, config.renderConcurrency);
  const describeSource = createSourceDetails({ ...pipeline, ...stores });
  return { metrics, dispatch, failover, listings, preview, describeSource };
}

/** What generators see beyond Git: code hosts over one client, and the hub's settings. */
function openGenerators(
  { config, logger, environment, open }: Context,
  { stores, metrics }: { stores: Foundation['stores']; metrics: ReturnType<typeof createMetrics> },
) {
  const now = Date.now;
  const client = open.use(
    createHttp(
      { logger, responses: createResponses(stores.hosts), now, observe: metrics.hostAsked },
      {
        whyRefused: createHostRule(config.generatorHosts),
        perSecond: config.generatorRate,
        proxy: proxiesOf(environment),
      },
    ),
  );
  const listings = createListings({ bucket: stores.hosts, now });
  const deps = { specs: stores.specs, http: client, listings, environment, now };
  return {
    listings,
    outside: (applicationSet: ApplicationSet, signal: AbortSignal) => openOutside(applicationSet, deps, signal),
  };
}

function openTools({ config, logger, environment, open, now }: Context, { specs }: Stores, { tools }: State) {
  const { data, gitEngine: engine, gitTimeout, gitRewrites: rewrites } = config;
  const reach = { rewrites, timeoutMs: gitTimeout, environment };
  const git = createGitSource({ logger }, { ...reach, directory: path.join(data, 'git', config.replica), engine });
  const { renderConcurrency: concurrency, renderTimeout: timeoutMs } = config;
  const settings = () => readRenderSettings(specs.find('ConfigMap', controlNamespace, 'argocd-cm'));
  const renderer = createRenderer({ logger, settings }, { tools, concurrency, timeoutMs });
  const sources = openSources({ git: open.use(git), specs, now }, { ...reach, data });
  return { sources: open.use(sources), branches: sources.branches, renderer: open.use(renderer) };
}

/** The API, last: it answers only when everything behind it does. */
async function serve({ config, logger, open, now }: Context, parts: Foundation & State & Running): Promise<string> {
  const { authority, adminToken, nats, stores, queue, fleet, readModel, changes, metrics, dispatch, tools, wanted } =
    parts;
  const { applications, resolve, rollouts, rolloutViews, statuses, failover, listings } = parts;
  const { additions, derived, hydrations, verdicts } = stores;
  const commands = createCommands({ nats });
  const actions = createActions({
    applications,
    additions,
    changes,
    derived,
    hydrations,
    dispatch,
    verdicts,
    statuses,
    resolve,
    diff: commands.diff,
    audit: fleet.audit,
    now,
  });
  const access = createAdminAccess({ tokenHash: hashToken(adminToken) });
  const deps = createApiDeps({
    access,
    logger,
    now,
    config,
    stores,
    applications,
    listings,
    readModel,
    preview: parts.preview,
    describeSource: parts.describeSource,
    actions,
    changes,
    rollouts,
    rolloutViews,
    resolve,
    fleet,
    failover,
    metrics,
    dispatch,
    queue,
    nats,
    tools,
    wanted,
  });
  const server = await createApiServer(deps, { tls: { key: authority.tls.key, cert: authority.tls.cert } });
  open.defer(async () => await server.close());
  const { hostname, port } = splitAddress(config.listen);
  await server.listen({ host: hostname, port });
  const url = `https://${hostname}:${(server.server.address() as AddressInfo).port}`;
  await writeContext(config, { url: config.publicUrl ?? url, authority });
  logger.info({ url }, 'hub is up');
  return url;
}

/** Lets the command line find the hub without flags: URL, CA and where the token lies. */
async function writeContext(config: HubConfig, hub: { url: string; authority: Authority }): Promise<void> {
  if (!config.contextFile) return;
  await mkdir(path.dirname(config.contextFile), { recursive: true });
  const context = { server: hub.url, caFile: hub.authority.tls.caFile, tokenFile: adminTokenFile(config) };
  await writeFile(config.contextFile, `${JSON.stringify(context, null, 2)}\n`, { mode: 0o600 });
}

function adminTokenFile(config: HubConfig): string {
  return config.adminTokenFile ?? path.join(config.data, 'admin-token');
}

function publicUrl(config: HubConfig): string {
  return config.publicUrl ?? `https://${config.listen}`;
}

/** Names that the server certificate must hold: those of the API and of NATS, and what the settings add. */
function certificateNames(config: HubConfig): string[] {
  const urls = [publicUrl(config), ...config.natsUrl.split(','), ...(config.publicNatsUrls ?? [])];
  const hosts = urls.map((url) => new URL(url.trim()).hostname.replace(/^\[|\]$/g, ''));
  return [
    ...new Set([...hosts, splitAddress(config.listen).hostname, 'localhost', '127.0.0.1', ...config.tlsNames]),
  ].filter((name) => name !== '0.0.0.0' && name !== '::');
}

function splitAddress(address: string): { hostname: string; port: number } {
  const at = address.lastIndexOf(':');
  return { hostname: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}
