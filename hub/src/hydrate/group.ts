import type { IndexedApplication } from '../assign/applications.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { Hydration } from './describe-hydration.ts';

/** An Application whose manifests are written to a branch. */
export interface HydratedIndexed extends IndexedApplication {
  hydration: Hydration;
}

/** What is written in one commit, in the order of ids; never empty. */
export interface HydrationGroup {
  key: string;
  branchKey: string;
  apps: readonly HydratedIndexed[];
  first: HydratedIndexed;
}

export const hydrateAnnotation = 'argocd.argoproj.io/hydrate';

/** The Applications of one branch, by what is written in one commit. */
export function groupsOf(apps: readonly IndexedApplication[]): HydrationGroup[] {
  const hydrated = apps.flatMap((app) => (app.hydration ? [{ ...app, hydration: app.hydration }] : []));
  hydrated.sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...Map.groupBy(hydrated, ({ hydration }) => hydration.key)].flatMap(([key, members]) => {
    const [first] = members;
    return first ? [{ key, branchKey: first.hydration.branchKey, apps: members, first }] : [];
  });
}

/** Argo CD: a folder of a branch is one Application's. Why not, by id. */
export function sharedFolders(groups: readonly HydrationGroup[]): Map<string, string> {
  const apps = groups.flatMap((group) => group.apps);
  const refused = new Map<string, string>();
  for (const [path, owners] of Map.groupBy(apps, ({ hydration }) => hydration.target.path)) {
    if (owners.length === 1) continue;
    // all of thousands may name the same folder, of which each tells of three
    const first = owners.slice(0, 4);
    for (const { id, hydration } of owners) {
      const { repoURL, branch } = hydration.target;
      const others = first.filter((one) => one.id !== id).map((one) => one.id);
      const more = owners.length - 4;
      const said = more > 0 ? `${others.slice(0, 3).join(', ')} and ${more} more` : others.join(', ');
      refused.set(
        id,
        `folder ${path} on branch ${branch} of ${withoutLogin(repoURL)} is also that of ${said}: give each a spec.sourceHydrator.syncSource.path of its own`,
      );
    }
  }
  return refused;
}
