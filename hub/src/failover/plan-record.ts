/** A planned change of where Applications run, as the hub keeps it in KV `fleet` (`plan.<id>`). */
import type { PlannedHook } from './hooks/planned-hook.ts';

/** How an Application leaves its place; see `policy.ts`. */
export type FailoverPolicy = 'Surge' | 'Immediate' | 'Never';

/**
 * Planned: shown, not begun. Relabelling: labels are being changed. Arriving: Applications arrive, become Healthy and soak.
 * Withdrawing: those that leave are being withdrawn. Fenced: all done but what silent clusters still have to withdraw.
 * Completed, Aborted (undone), Expired (never begun): over.
 */
export type PlanPhase =
  | 'Planned'
  | 'Relabelling'
  | 'Arriving'
  | 'Withdrawing'
  | 'Fenced'
  | 'Completed'
  | 'Aborted'
  | 'Expired';

/** `back`: everything is being undone, by the same steps with the roles of what leaves and what arrives exchanged. */
export type Direction = 'forward' | 'back';

export type OnDeadline = 'Pause' | 'Abort';

/** One label, or one annotation, of one cluster; null: absent. */
export interface LabelChange {
  cluster: string;
  key: string;
  before: string | null;
  after: string | null;
}

/** An Application on a cluster, as part of a plan. */
export interface Placement {
  /** Application id. */
  app: string;
  cluster: string;
  /** `namespace/name` of the ApplicationSet that generates it. */
  set: string;
  policy: FailoverPolicy;
  /** How long it must be Healthy before what it replaces is withdrawn. */
  soakMs: number;
  /** Whether its resources go with it when it is withdrawn. */
  cascade: boolean;
  /** It has volumes of its own, which do not move. */
  stateful?: true;
  /** It is a standby there, before it arrives and after it has left: nothing is withdrawn. */
  standby?: true;
  /** RFC 3339: Synced and Healthy without a break since then, as the hub saw it. */
  healthySince?: string;
  /**
   * requested: the withdrawal was written. confirmed: its cluster has carried it out. absent: the hub knew no such
   * Application any more when it was due, so there was nothing to withdraw.
   */
  withdrawal?: 'requested' | 'confirmed' | 'absent';
  /** Id of a later plan that brings it there again: it is not this plan's to withdraw any more. */
  broughtBackBy?: string;
  /** Where else it runs, for one that leaves and has nothing that arrives in its stead. */
  stays?: { app: string; cluster: string }[];
}

/** Something that a person should know before the plan begins. */
export interface Finding {
  /** blocks: the plan is not begun unless the person says that this is meant. */
  severity: 'info' | 'warning' | 'blocks';
  code: FindingCode;
  message: string;
}

export type FindingCode =
  | 'EmptiesPlacement'
  | 'Overload'
  | 'CapacityUnknown'
  | 'StaleDestination'
  | 'OfflineSource'
  | 'Stateful'
  | 'NeverMoved'
  | 'DeletionBudget'
  | 'GeneratorFailed'
  | 'KeptByPolicy'
  | 'NotGenerated'
  | 'OtherLabels';

/** Requests of what arrives at a cluster against what it has left. */
export interface Capacity {
  cluster: string;
  arriving: { cpuMillis: number; memoryBytes: number };
  /** Absent where the cluster has not said what it has. */
  free?: { cpuMillis: number; memoryBytes: number };
  /** Applications whose manifests are not known yet. */
  unknown: number;
}

export interface Transition {
  /** RFC 3339. */
  at: string;
  by: string;
  message: string;
}

export interface Plan {
  /** See `store/record-format.ts`. */
  v?: number;
  id: string;
  /** Who made it. */
  owner: string;
  reason: string;
  kind: 'relabel' | 'failover' | 'fail-back' | 'automatic';
  createdAt: string;
  /** A plan that was not begun by then is Expired. */
  expiresAt: string;
  phase: PlanPhase;
  direction: Direction;
  /** RFC 3339: when it was started, turned back, or made to withdraw what it kept. */
  begunAt?: string;
  /** RFC 3339: when the phase began, or the plan was resumed. */
  phaseAt: string;
  /** How long Relabelling, Arriving and Withdrawing may each take. */
  deadlineMs: number;
  /** What becomes of a plan that is late; absent: Pause. On its way back it pauses. */
  onDeadline?: OnDeadline;
  paused?: { at: string; by: string; reason: string };
  labels: LabelChange[];
  /** Changed together with the labels; absent: none. */
  annotations?: LabelChange[];
  /** Selector of the Applications that alone see these labels; absent: the clusters' own labels are changed. */
  apps?: string;
  leaves: Placement[];
  arrives: Placement[];
  /** What an automatic plan keeps from arriving, by policy Never. */
  suppressed?: Placement[];
  /** Applications that stay where they are with other contents. */
  changes: { app: string; cluster: string; set: string }[];
  /** Calls before and after its steps, in the order in which they are made; of both directions. */
  hooks?: PlannedHook[];
  findings: Finding[];
  capacity: Capacity[];
  /** Newest last; the oldest are dropped beyond 100. */
  history: Transition[];
  /** The plan that this one undoes. */
  failsBack?: string;
}

/** In which nothing is being changed. */
const restingPhases: readonly PlanPhase[] = ['Planned', 'Fenced', 'Completed', 'Aborted', 'Expired'];

/** Clusters whose labels or annotations it changes. */
export function changedClusters({ labels, annotations = [] }: Pick<Plan, 'labels' | 'annotations'>): string[] {
  return [...new Set([...labels, ...annotations].map(({ cluster }) => cluster))];
}

/** Whether a plan changes the fleet now: two such plans may not touch the same clusters. In a phase that only newer hubs know it may. */
export function isActive({ phase }: Pick<Plan, 'phase'>): boolean {
  return !restingPhases.includes(phase);
}

/** Ids of one minute are in no order. */
export function newestFirst(a: Pick<Plan, 'id' | 'createdAt'>, b: Pick<Plan, 'id' | 'createdAt'>): number {
  return b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id);
}

/** Whether a plan ever did something: one that is aborted before it was started never turned back. */
export function wasBegun({ phase, direction }: Pick<Plan, 'phase' | 'direction'>): boolean {
  return phase !== 'Planned' && phase !== 'Expired' && !(phase === 'Aborted' && direction === 'forward');
}

/** Whether there is still something to be done or seen. */
export function isUnfinished(plan: Pick<Plan, 'phase'>): boolean {
  return isActive(plan) || plan.phase === 'Fenced';
}

/** What has to be Healthy first. */
export function incomingOf({ direction, arrives, leaves }: Plan): Placement[] {
  return direction === 'forward' ? arrives : leaves;
}

/** What is withdrawn afterwards. */
export function outgoingOf({ direction, arrives, leaves }: Plan): Placement[] {
  return direction === 'forward' ? leaves : arrives;
}

/** Whether nothing more is to be done about something that leaves. */
export function hasLeft({ withdrawal, broughtBackBy }: Placement): boolean {
  return withdrawal === 'confirmed' || withdrawal === 'absent' || broughtBackBy !== undefined;
}

/** What plans that were made since this one was begun bring: by `cluster/app`, the id of the newest. A plan that is undone withdraws that itself. */
export function broughtSince(plan: Plan, plans: readonly Plan[]): Map<string, string> {
  const since = plan.begunAt ?? (plan.direction === 'forward' ? plan.createdAt : plan.phaseAt);
  const later = plans.filter((one) => one.id !== plan.id && one.createdAt > since && wasBegun(one));
  const moves = later.sort(newestFirst).reverse();
  return new Map(moves.flatMap(({ id, arrives }) => arrives.map((one) => [`${one.cluster}/${one.app}`, id])));
}

/** What a cluster's labels are to be, in the plan's present direction. */
export function wantedLabels({ labels, direction }: Plan): Wanted {
  return wantedOf(labels, direction);
}

/** As `wantedLabels`. */
export function wantedAnnotations({ annotations = [], direction }: Plan): Wanted {
  return wantedOf(annotations, direction);
}

/** By cluster; null: absent. */
type Wanted = Map<string, Record<string, string | null>>;

function wantedOf(changes: readonly LabelChange[], direction: Direction): Wanted {
  const wanted = new Map<string, Record<string, string | null>>();
  for (const { cluster, key, before, after } of changes) {
    const own = wanted.get(cluster) ?? {};
    own[key] = direction === 'forward' ? after : before;
    wanted.set(cluster, own);
  }
  return wanted;
}
