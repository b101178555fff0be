import { decide } from './decide.ts';
import type { AppCondition, MemberFacts } from './facts.ts';
import type { Plan, PlanStep } from './plan.ts';
import { emptyRecord, type Pin, type RolloutRecord } from './record.ts';

/** What becomes of a cluster that gets a bundle. */
export type Outcome = 'healthy' | 'degraded' | 'stuck';

export interface SimulatedCluster {
  id: string;
  labels: Record<string, string>;
  online: boolean;
  /** Ms until it is Healthy or Degraded. */
  delayMs: number;
  /** By bundle; healthy unless given. */
  outcomes: Record<string, Outcome>;
  newest: Pin | undefined;
  running?: Pin;
  since: number;
}

/** A rollout over clusters with one Application each, by a clock of its own; for tests. */
export interface SimulatedFleet {
  clusters: Map<string, SimulatedCluster>;
  record: RolloutRecord;
  now: number;
  plan: Plan | undefined;
  preparing: string | undefined;
  pause: { reason: string; until?: string } | undefined;
  /** Ids of clusters of which it is not known for the moment that they are there. */
  away: Set<string>;
  /** Decides once; the record is the next one. Returns ids of the members that began. */
  decide(): string[];
  /** Lets spokes take what they were given, and time pass. */
  pass(ms: number): void;
  /** Decides and passes time until nothing is under way, or `limit` turns are over. */
  settle(limit?: number): number;
  push(bundle: string): void;
  /** Changes a cluster that is there; outcomes are added to those that it has. */
  change(id: string, fields: Partial<SimulatedCluster>): void;
  pinOf(id: string): string | undefined;
  states(): Record<string, string>;
}

export const step = (name: string, more: Partial<PlanStep> = {}): PlanStep => ({
  name,
  soakMs: 0,
  tolerance: { count: 0 },
  deadlineMs: 60_000,
  windows: [],
  ...more,
});

export const planOf = (steps: PlanStep[], more: Partial<Plan> = {}): Plan => ({
  kind: 'FleetRollout',
  steps,
  onFailure: 'Return',
  newRevision: 'Queue',
  offline: 'Skip',
  leavesOut: false,
  ...more,
});

export const pin = (bundle: string): Pin => ({ bundle, revision: `${bundle}-commit` });

/** `c00`, `c01` and so on. */
export const clusterIds = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `c${String(index).padStart(2, '0')}`);

/** Six, of which the first is the canary; each takes two seconds. */
export const sixClusters = clusterIds(6).map((id, index) => ({
  id,
  delayMs: 2_000,
  labels: index === 0 ? { canary: 'true' } : {},
}));

export function createSimulatedFleet(
  plan: Plan,
  clusters: (Partial<SimulatedCluster> & { id: string })[],
): SimulatedFleet {
  const fleet: SimulatedFleet = {
    clusters: new Map(clusters.map((cluster) => [cluster.id, createCluster(cluster)])),
    record: emptyRecord('rollout.argocd.shop', new Date(0)),
    now: 0,
    plan,
    preparing: undefined,
    pause: undefined,
    away: new Set(),
    decide: () => {
      const before = fleet.record;
      const present = [...fleet.clusters.values()].filter(({ id }) => !fleet.away.has(id));
      const members = present.map((cluster) => factsOf(cluster, fleet.now));
      const away = new Set([...fleet.away].map((id) => `app-${id}`));
      const { plan: current, preparing, pause } = fleet;
      const now = new Date(fleet.now);
      fleet.record = decide({ record: before, plan: current, members, away, preparing, pause, now });
      return Object.keys(fleet.record.pins).filter(
        (id) => fleet.record.pins[id]?.now !== before.pins[id]?.now && changed(before, fleet.record, id),
      );
    },
    pass: (ms) => {
      for (const cluster of fleet.clusters.values()) take(cluster, fleet);
      fleet.now += ms;
    },
    settle: (limit = 2_000) => {
      let turns = 0;
      do {
        fleet.decide();
        fleet.pass(1_000);
        turns += 1;
      } while (turns < limit && !isOver(fleet.record));
      return turns;
    },
    push: (bundle) => {
      for (const cluster of fleet.clusters.values()) cluster.newest = pin(bundle);
    },
    change: (id, fields) => {
      const cluster = fleet.clusters.get(id);
      if (!cluster) throw new Error(`there is no cluster ${id}`);
      Object.assign(cluster, fields, { outcomes: { ...cluster.outcomes, ...fields.outcomes } });
    },
    pinOf: (id) => fleet.record.pins[`app-${id}`]?.now?.bundle,
    states: () =>
      Object.fromEntries(Object.entries(fleet.record.run?.members ?? {}).map(([id, { state }]) => [id, state])),
  };
  return fleet;
}

/** A fleet whose clusters all run bundle A, at rest. */
export function createSettledFleet(
  plan: Plan,
  clusters: (Partial<SimulatedCluster> & { id: string })[],
): SimulatedFleet {
  const fleet = createSimulatedFleet(plan, clusters);
  fleet.push('A');
  fleet.settle();
  if (fleet.record.phase !== 'Completed') throw new Error(`bundle A is ${fleet.record.phase}: ${fleet.record.message}`);
  return fleet;
}

export function createCluster(cluster: Partial<SimulatedCluster> & { id: string }): SimulatedCluster {
  return { labels: {}, online: true, delayMs: 0, outcomes: {}, newest: undefined, since: 0, ...cluster };
}

function changed(before: RolloutRecord, after: RolloutRecord, id: string): boolean {
  return before.pins[id]?.now?.bundle !== after.pins[id]?.now?.bundle;
}

export function isOver({ run, asked, phase }: RolloutRecord): boolean {
  return (!run || run.outcome !== undefined) && !asked && phase !== 'Preparing';
}

function take(cluster: SimulatedCluster, { record, now }: SimulatedFleet): void {
  const given = record.pins[`app-${cluster.id}`]?.now;
  if (!cluster.online || !given || cluster.running?.bundle === given.bundle) return;
  cluster.running = given;
  cluster.since = now;
}

function factsOf(cluster: SimulatedCluster, now: number): MemberFacts {
  const { id, labels, online, newest } = cluster;
  const status = statusOf(cluster, now);
  return {
    id,
    labels,
    online,
    apps: [{ id: `app-${id}`, ...(newest ? { newest } : {}), ...(status ? { status } : {}) }],
  };
}

function statusOf({ running, since, delayMs, outcomes }: SimulatedCluster, now: number): AppCondition | undefined {
  if (!running) return undefined;
  const outcome = outcomes[running.bundle] ?? 'healthy';
  const early = now - since < delayMs || outcome === 'stuck';
  return {
    bundle: running.bundle,
    sync: 'Synced',
    health: early ? 'Progressing' : outcome === 'healthy' ? 'Healthy' : 'Degraded',
    operation: { phase: 'Succeeded', revision: running.revision, message: '' },
  };
}
