/**
 * Changes of labels and annotations by hand. Inputs: the change, and the plan that it would be. What moves Applications is
 * planned; the rest is set at once, except for what nobody would notice.
 */
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type AppLabelsChange, nextAppLabels, readAppSelector } from '../fleet/app-labels.ts';
import type { FleetCluster } from '../fleet/clusters.ts';
import type { Verdict } from '../fleet/judge-labels.ts';
import type { Author } from '../fleet/metadata.ts';
import type { Labelling, Relabelling } from './dry-run.ts';
import { failedSets } from './findings.ts';
import { changesPlacements, type Weighed } from './make-plan.ts';
import type { LabelChange, Plan } from './plan-record.ts';
import { nothingMoves, onlyFor } from './some-applications.ts';

export interface SetAllDeps {
  setLabels(cluster: string, labels: Record<string, string | null>, who: Author): Promise<unknown>;
  setAnnotations(cluster: string, annotations: Record<string, string | null>, who: Author): Promise<unknown>;
  setAppLabels(cluster: string, change: AppLabelsChange, who: Author): Promise<unknown>;
}

/** The selector in its one form. Throws Invalid. */
export function withAppsRead({ apps, ...change }: Relabelling): Relabelling {
  return { ...change, ...onlyFor(apps === undefined ? undefined : readAppSelector(apps)) };
}

/** Whether a change has to be planned; otherwise it may be made at once. */
export function mustBePlanned(plan: Plan): boolean {
  return changesPlacements(plan) || plan.findings.some(({ severity }) => severity === 'blocks');
}

/** Why a change has to be planned, however much it would move; undefined when it may be made at once. */
export function whyPlanned({ impact, outcomes }: Weighed): Verdict | undefined {
  const { leaves, arrives, changes } = impact;
  const reason = `${leaves.length} Applications would leave, ${arrives.length} arrive and ${changes.length} change in place`;
  const clusters = new Set([...leaves, ...arrives, ...changes].map(({ cluster }) => cluster));
  if (changesPlacements(impact)) return { reason, clusters };
  const [failed] = failedSets(outcomes);
  return failed && { reason: failed.message, clusters };
}

/**
 * Throws Invalid for labels that only some Applications would see and that move none of them: that is a selector with a
 * slip. To let go of such labels is always possible.
 */
export function refuseWithoutEffect(
  { labels, apps }: Relabelling,
  plan: Plan,
  { findCluster }: { findCluster(name: string): FleetCluster | undefined },
): void {
  if (apps === undefined) return;
  const keysOf = (name: string, change: Labelling) => {
    const cluster = findCluster(name);
    const next = cluster && nextAppLabels(cluster, { apps, labels: change.get(name) ?? {} }, { at: '', by: '' });
    return Object.keys(next?.find((one) => one.apps === apps)?.labels ?? {});
  };
  const letsGo = ({ cluster, key }: LabelChange) => !keysOf(cluster, labels).includes(key);
  if (!plan.labels.every(letsGo)) throw nothingMoves(apps);
}

/** Throws what kept one from being set, naming those that are: doing it again sets the rest. So it does when it is stopped between two. */
export async function setAll(
  { labels, annotations, apps }: Relabelling,
  who: Author,
  { deps, signal }: { deps: SetAllDeps; signal: AbortSignal },
): Promise<void> {
  const setLabels: SetAllDeps['setLabels'] =
    apps === undefined
      ? deps.setLabels
      : async (cluster, changes) => await deps.setAppLabels(cluster, { apps, labels: changes }, who);
  await setEach(
    { what: 'labels', changes: labels },
    async (cluster, changes) => await setLabels(cluster, changes, who),
    signal,
  );
  await setEach(
    { what: 'annotations', changes: annotations ?? new Map() },
    async (cluster, changes) => await deps.setAnnotations(cluster, changes, who),
    signal,
  );
}

async function setEach(
  { what, changes }: { what: 'labels' | 'annotations'; changes: Labelling },
  set: (cluster: string, changes: Record<string, string | null>) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const done: string[] = [];
  for (const [cluster, change] of changes) {
    try {
      if (signal.aborted) throw stopped(signal);
      await set(cluster, { ...change });
    } catch (cause) {
      const { code, message } = toFleetError(cause);
      const those = done.length > 0 ? ` (set: ${done.join(', ')})` : '';
      throw new FleetError(code, `${what} of ${cluster} are not set: ${message}${those}; do it again`, { cause });
    }
    done.push(cluster);
  }
}

function stopped({ reason }: AbortSignal): FleetError {
  const isLate = reason instanceof Error && reason.name === 'TimeoutError';
  return isLate
    ? new FleetError('Timeout', 'it took too long', { cause: reason })
    : new FleetError('Aborted', 'it was stopped', { cause: reason });
}

/** The change that a plan makes. */
export function relabellingOf({
  labels,
  annotations,
  apps,
}: Pick<Plan, 'labels' | 'annotations' | 'apps'>): Relabelling {
  return {
    labels: labellingOf(labels),
    ...(annotations ? { annotations: labellingOf(annotations) } : {}),
    ...onlyFor(apps),
  };
}

/** The change that undoes a plan. */
export function reversed({ labels, annotations, apps }: Plan): Relabelling {
  const undo = (change: LabelChange): LabelChange => ({ ...change, after: change.before });
  return relabellingOf({
    labels: labels.map(undo),
    ...(annotations ? { annotations: annotations.map(undo) } : {}),
    ...onlyFor(apps),
  });
}

function labellingOf(changes: readonly LabelChange[]): Labelling {
  const labelling = new Map<string, Record<string, string | null>>();
  for (const { cluster, key, after } of changes) labelling.set(cluster, { ...labelling.get(cluster), [key]: after });
  return labelling;
}
