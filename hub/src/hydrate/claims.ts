/**
 * Whose the folders of a branch are. Who claims one first keeps it as long as it names it, also while it is not permitted: what it
 * deploys from there must never become another's. Written with compare-and-set, so that of several replicas one decides. Where
 * nothing says who was first, nobody is guessed at: those that claim one folder then are all refused, and no others.
 */
import { isDeepStrictEqual } from 'node:util';
import type { IndexedApplication } from '../assign/applications.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { HydratedIndexed } from './group.ts';
import { branchKey, targetOf } from './hydration-spec.ts';
import type { HydrationStore } from './hydration-store.ts';

export interface ClaimDeps {
  applications: { find(id: string): IndexedApplication | undefined };
  hydrations: Pick<HydrationStore, 'ofBranch' | 'readClaims' | 'putClaims' | 'deleteClaims'>;
}

/** Records who claims which folder of a branch, and returns why the others cannot have theirs, by id. Throws Conflict. */
export async function claimFolders(
  key: string,
  apps: readonly HydratedIndexed[],
  deps: ClaimDeps,
): Promise<Map<string, string>> {
  const stored = await deps.hydrations.readClaims(key);
  const claimants = Map.groupBy(apps, ({ hydration }) => hydration.target.path);
  const kept = new Map(Object.entries(stored?.value.owners ?? {}));
  const owners = ownersOf(key, { kept, claimants }, deps);
  await keep({ key, owners: Object.fromEntries(owners), stored }, deps);
  return new Map([...claimants].flatMap(([path, ids]) => refusals(ids, owners.get(path))));
}

function ownersOf(
  key: string,
  {
    kept,
    claimants,
  }: { kept: ReadonlyMap<string, string>; claimants: ReadonlyMap<string, readonly HydratedIndexed[]> },
  deps: ClaimDeps,
): Map<string, string> {
  const written = writersOf(key, deps);
  const owners = [...new Set([...kept.keys(), ...claimants.keys()])].map((path) => {
    const isOf = (id: string) => claims(deps.applications.find(id), { key, path });
    const before = kept.get(path) ?? onlyOf(written.get(path)?.filter(isOf));
    const isKept = before !== undefined && isOf(before);
    return [path, isKept ? before : onlyOf(claimants.get(path)?.map(({ id }) => id))] as const;
  });
  return new Map(owners.flatMap(([path, owner]) => (owner === undefined ? [] : [[path, owner] as const])));
}

async function keep(
  {
    key,
    owners,
    stored,
  }: { key: string; owners: Record<string, string>; stored: Awaited<ReturnType<HydrationStore['readClaims']>> },
  { hydrations }: ClaimDeps,
): Promise<void> {
  if (Object.keys(owners).length === 0) {
    if (stored) await hydrations.deleteClaims(key, stored.revision);
  } else if (!isDeepStrictEqual(stored?.value.owners, owners)) {
    await hydrations.putClaims({ branchKey: key, owners }, stored?.revision ?? 0);
  }
}

/** Whether an Application names this folder, whether it is permitted or not. */
function claims(app: IndexedApplication | undefined, { key, path }: { key: string; path: string }): boolean {
  const { sourceHydrator } = app?.application.spec ?? {};
  if (!sourceHydrator) return false;
  try {
    const target = targetOf(sourceHydrator);
    return target.path === path && branchKey(target) === key;
  } catch {
    return false; // a path that leads out is no folder of the branch
  }
}

/** By path, for whom it was written last: what is left where the claims were lost, or never kept. */
function writersOf(key: string, { hydrations }: ClaimDeps): Map<string, string[]> {
  const written = hydrations.ofBranch(key).flatMap(({ last }) => Object.entries(last?.apps ?? {}));
  const paths = Map.groupBy(written, ([, { hydrator }]) => targetOf(hydrator).path);
  return new Map([...paths].map(([path, entries]) => [path, entries.map(([id]) => id)]));
}

function onlyOf<T>(values: readonly T[] = []): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

function refusals(claimants: readonly HydratedIndexed[], owner: string | undefined): [string, string][] {
  return claimants
    .filter(({ id }) => id !== owner)
    .map((app) => [
      app.id,
      owner === undefined
        ? sharedBy(app, claimants)
        : `${folderOf(app)} belongs to application ${owner}, which claimed it first: ${wayOut}`,
    ]);
}

const wayOut = 'give this one a spec.sourceHydrator.syncSource.path of its own';

/** All of thousands may name the same folder, of which each tells of three. */
function sharedBy(app: HydratedIndexed, claimants: readonly HydratedIndexed[]): string {
  const others = claimants.slice(0, 4).flatMap(({ id }) => (id === app.id ? [] : [id]));
  const more = claimants.length - 4;
  const said = more > 0 ? `${others.slice(0, 3).join(', ')} and ${more} more` : others.join(', ');
  return `${folderOf(app)} is also that of ${said}: give each a spec.sourceHydrator.syncSource.path of its own`;
}

function folderOf({ hydration }: HydratedIndexed): string {
  const { repoURL, branch, path } = hydration.target;
  return `folder ${path} on branch ${branch} of ${withoutLogin(repoURL)}`;
}
