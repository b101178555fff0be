import type { IndexedApplication } from '../assign/applications.ts';
import type { Hydration } from './describe-hydration.ts';

/** An Application whose manifests are written to a branch. */
export interface HydratedIndexed extends IndexedApplication {
  hydration: Hydration;
}

/** What is written in one commit, in the order of ids. */
export interface HydrationGroup {
  key: string;
  branchKey: string;
  /** Those that are written; none where all are refused. */
  apps: readonly HydratedIndexed[];
  /** Those that are not, and why, by id. */
  refused: Readonly<Record<string, string>>;
  /** One of them, for what all have in common. */
  first: HydratedIndexed;
}

export const hydrateAnnotation = 'argocd.argoproj.io/hydrate';

/** Of Applications those with a hydrator, in the order of ids. */
export function hydratedOf(apps: readonly IndexedApplication[]): HydratedIndexed[] {
  const hydrated = apps.flatMap((app) => (app.hydration ? [{ ...app, hydration: app.hydration }] : []));
  return hydrated.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The Applications of one branch, by what is written in one commit. `refused` says who cannot have its folder, and why. */
export function groupsOf(hydrated: readonly HydratedIndexed[], refused: ReadonlyMap<string, string>): HydrationGroup[] {
  return [...Map.groupBy(hydrated, ({ hydration }) => hydration.key)].flatMap(([key, members]) => {
    const apps = members.filter(({ id }) => !refused.has(id));
    const first = apps[0] ?? members[0];
    const reasons = members.flatMap(({ id }) => {
      const reason = refused.get(id);
      return reason === undefined ? [] : [[id, reason] as const];
    });
    return first
      ? [{ key, branchKey: first.hydration.branchKey, apps, refused: Object.fromEntries(reasons), first }]
      : [];
  });
}
