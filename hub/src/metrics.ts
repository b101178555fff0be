import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createPlanMetrics, type PlanMetrics } from './failover/plan-metrics.ts';
import { createHydrationMetrics, type HydrationMetrics } from './hydrate/hydration-metrics.ts';

/** What the hub counts; labels are bounded, never names of objects. */
export interface Metrics extends PlanMetrics, HydrationMetrics {
  registry: Registry;
  fetched(outcome: { repository: string; seconds: number; failed: boolean }): void;
  rendered(outcome: { type: string; seconds: number; failed: boolean }): void;
  published(apps: number): void;
  statusRecorded(): void;
  /** A request to a code host; hosts are few, they are named in settings. */
  hostAsked(outcome: { host: string; status: string; seconds: number }): void;
  webhook(provider: string, outcome: 'accepted' | 'refused' | 'ignored'): void;
}

export interface MetricsSources {
  applications(): {
    total: number;
    stale: number;
    adopted: number;
    orphans: number;
    sync: Record<string, number>;
    health: Record<string, number>;
  };
  clusters(): Record<string, number>;
  plans(): readonly { phase: string; paused?: unknown }[];
  /** Rollouts by phase. */
  rollouts(): Record<string, number>;
  /** Documents that clusters held and the hub took over, or could not, since this replica started. */
  adoptions(): Record<'adopted' | 'failed', number>;
  /** Changes of contact with clusters that this replica told of. */
  contacts(): Readonly<Record<'connected' | 'stale' | 'lost', number>>;
  queue(): Promise<Record<string, Record<string, number>>>;
}

const buckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const source = new Histogram({
    name: 'wheelhouse_source_fetch_seconds',
    help: 'Time to look at a repository and fetch what is new',
    labelNames: ['outcome'],
    buckets,
    registers,
  });
  const render = new Histogram({
    name: 'wheelhouse_render_seconds',
    help: 'Time of a render that was not answered from a cache',
    labelNames: ['type', 'outcome'],
    buckets,
    registers,
  });
  const documents = new Counter({
    name: 'wheelhouse_documents_published_total',
    help: 'Signed documents published',
    registers,
  });
  const statuses = new Counter({
    name: 'wheelhouse_statuses_recorded_total',
    help: 'Statuses received from spokes',
    registers,
  });
  const webhooks = new Counter({
    name: 'wheelhouse_webhooks_total',
    help: 'Webhook calls',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const hosts = new Histogram({
    name: 'wheelhouse_host_request_seconds',
    help: 'Requests of generators to code hosts; status 304 cost no rate with most',
    labelNames: ['host', 'status'],
    buckets,
    registers,
  });
  addGauges(registers, sources);
  return {
    registry,
    fetched: ({ seconds, failed }) => source.observe({ outcome: failed ? 'failed' : 'ok' }, seconds),
    rendered: ({ type, seconds, failed }) => render.observe({ type, outcome: failed ? 'failed' : 'ok' }, seconds),
    ...createHydrationMetrics(registers),
    published: () => documents.inc(),
    statusRecorded: () => statuses.inc(),
    hostAsked: ({ host, status, seconds }) => hosts.observe({ host, status }, seconds),
    ...createPlanMetrics(registers, sources.plans),
    webhook: (provider, outcome) => webhooks.inc({ provider, outcome }),
  };
}

function addGauges(registers: Registry[], sources: MetricsSources): void {
  new Gauge({
    name: 'wheelhouse_applications',
    help: 'Applications by sync and health; those whose cluster is silent are stale, those that nothing explains adopted: both counted apart',
    labelNames: ['dimension', 'value'],
    registers,
    collect() {
      this.reset();
      const { total, stale, adopted, sync, health } = sources.applications();
      this.set({ dimension: 'all', value: 'total' }, total);
      this.set({ dimension: 'all', value: 'stale' }, stale);
      this.set({ dimension: 'all', value: 'adopted' }, adopted);
      for (const [value, count] of Object.entries(sync)) this.set({ dimension: 'sync', value }, count);
      for (const [value, count] of Object.entries(health)) this.set({ dimension: 'health', value }, count);
    },
  });
  new Gauge({
    name: 'wheelhouse_clusters',
    help: 'Clusters by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(sources.clusters())) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'wheelhouse_orphaned_resources',
    help: 'Orphaned resources as clusters found them last, counted for each Application in whose namespace they are',
    registers,
    collect() {
      this.set(sources.applications().orphans);
    },
  });
  addCounted(registers, sources);
  new Gauge({
    name: 'wheelhouse_rollouts',
    help: 'Rollouts by the phase that they are in',
    labelNames: ['phase'],
    registers,
    collect() {
      this.reset();
      for (const [phase, count] of Object.entries(sources.rollouts())) this.set({ phase }, count);
    },
  });
  new Gauge({
    name: 'wheelhouse_queue_jobs',
    help: 'Jobs by stage and state',
    labelNames: ['stage', 'state'],
    registers,
    async collect() {
      for (const [stage, states] of Object.entries(await sources.queue())) {
        for (const [state, count] of Object.entries(states)) this.set({ stage, state }, count);
      }
    },
  });
}

/** What others have counted since this replica started. */
function addCounted(registers: Registry[], sources: Pick<MetricsSources, 'contacts' | 'adoptions'>): void {
  new Counter({
    name: 'wheelhouse_cluster_contact_changes_total',
    help: 'Clusters that were told to be heard of, silent (stale) or lost; each change is counted by one replica',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(sources.contacts())) this.inc({ state }, count);
    },
  });
  new Counter({
    name: 'wheelhouse_adoptions_total',
    help: 'Documents that clusters held and the hub took over, or could not',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(sources.adoptions())) this.inc({ outcome }, count);
    },
  });
}
