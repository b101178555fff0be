/**
 * Whose the folders of a branch are. Who claims one first keeps it as long as it names it, also while it is not permitted: what it
 * deploys from there must never become another's. One that is not there any more keeps it for a while: it may come back, as when
 * its set was lost. Written with compare-and-set, so that of several replicas one decides. Where nothing says who was first, nobody
 * is guessed at: those that claim one folder then are all refused, and no others.
 */
import { isDeepStrictEqual } from 'node:util';
import type { IndexedApplication } from '../assign/applications.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { HydratedIndexed } from './group.ts';
import { branchKey, targetOf } from './hydration-spec.ts';
import type { FolderClaims, FolderOwner, HydrationStore } from './hydration-store.ts';

export interface ClaimDeps {
  applications: { find(id: string): IndexedApplication | undefined };
  hydrations: Pick<HydrationStore, 'ofBranch' | 'readClaims' | 'putClaims' | 'deleteClaims'>;
  now(): Date;
}

/** How long a folder stays that of an Application that is not there any more. */
const graceMs = 10 * 60_000;

/** Records who claims which folder of a branch, and returns why the others cannot have theirs, by id. Throws Conflict. */
export async function claimFolders(
  key: string,
  apps: readonly HydratedIndexed[],
  deps: ClaimDeps,
): Promise<Map<string, string>> {
  const stored = await deps.hydrations.readClaims(key);
  const claimants = Map.groupBy(apps, ({ hydration }) => hydration.target.path);
  const known = stored ? new Map(Object.entries(stored.value.owners)) : writersOf(key, deps);
  const now = deps.now();
  const owners = [...new Set([...known.keys(), ...claimants.keys()])].flatMap((path) => {
    const first = onlyOf(claimants.get(path));
    const owner = whoKeeps(known.get(path), { key, path, now }, deps) ?? (first && { id: first.id });
    return owner ? [[path, owner] as const] : [];
  });
  await keep({ key, owners: Object.fromEntries(owners), stored }, deps);
  const owned = new Map(owners);
  return new Map([...claimants].flatMap(([path, ids]) => refusals(ids, owned.get(path))));
}

function whoKeeps(
  before: FolderOwner | undefined,
  { key, path, now }: { key: string; path: string; now: Date },
  { applications }: ClaimDeps,
): FolderOwner | undefined {
  if (!before) return undefined;
  const { id, goneAt = now.toISOString() } = before;
  const app = applications.find(id);
  if (app) return claims(app, { key, path }) ? { id } : undefined;
  return now.getTime() < freeAt(goneAt) ? { id, goneAt } : undefined;
}

function freeAt(goneAt: string): number {
  return Date.parse(goneAt) + graceMs;
}

async function keep(
  {
    key,
    owners,
    stored,
  }: { key: string; owners: FolderClaims['owners']; stored: Awaited<ReturnType<HydrationStore['readClaims']>> },
  { hydrations }: ClaimDeps,
): Promise<void> {
  if (Object.keys(owners).length === 0) {
    if (stored) await hydrations.deleteClaims(key, stored.revision);
  } else if (!isDeepStrictEqual(stored?.value.owners, owners)) {
    await hydrations.putClaims({ branchKey: key, owners }, stored?.revision ?? 0);
  }
}

/** Whether an Application names this folder, whether it is permitted or not. */
function claims({ application }: IndexedApplication, { key, path }: { key: string; path: string }): boolean {
  const { sourceHydrator } = application.spec;
  if (!sourceHydrator) return false;
  try {
    const target = targetOf(sourceHydrator);
    return target.path === path && branchKey(target) === key;
  } catch {
    return false; // a path that leads out is no folder of the branch
  }
}

/** By path, for whom alone it was written last: what is left where the claims were lost, or never kept. */
function writersOf(key: string, { hydrations }: ClaimDeps): Map<string, FolderOwner> {
  const written = hydrations.ofBranch(key).flatMap(({ last }) => Object.entries(last?.apps ?? {}));
  const paths = Map.groupBy(written, ([, { hydrator }]) => targetOf(hydrator).path);
  return new Map(
    [...paths].flatMap(([path, entries]) => {
      const one = onlyOf(entries);
      return one ? [[path, { id: one[0] }]] : [];
    }),
  );
}

function onlyOf<T>(values: readonly T[] = []): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

function refusals(claimants: readonly HydratedIndexed[], owner: FolderOwner | undefined): [string, string][] {
  return claimants
    .filter(({ id }) => id !== owner?.id)
    .map((app) => [app.id, owner ? ownedBy(app, owner) : sharedBy(app, claimants)]);
}

const wayOut = 'a spec.sourceHydrator.syncSource.path of its own';

function ownedBy(app: HydratedIndexed, { id, goneAt }: FolderOwner): string {
  const owned = `${folderOf(app)} belongs to application ${id}`;
  if (goneAt === undefined) return `${owned}, which claimed it first: give this one ${wayOut}`;
  const at = new Date(freeAt(goneAt)).toISOString();
  return `${owned}, which is not there any more: it is free at the first sweep after ${at}; or give this one ${wayOut}`;
}

/** All of thousands may name the same folder, of which each tells of three. */
function sharedBy(app: HydratedIndexed, claimants: readonly HydratedIndexed[]): string {
  const others = claimants.slice(0, 4).flatMap(({ id }) => (id === app.id ? [] : [id]));
  const more = claimants.length - 4;
  const said = more > 0 ? `${others.slice(0, 3).join(', ')} and ${more} more` : others.join(', ');
  return `${folderOf(app)} is also that of ${said}: give each ${wayOut}`;
}

function folderOf({ hydration }: HydratedIndexed): string {
  const { repoURL, branch, path } = hydration.target;
  return `folder ${path} on branch ${branch} of ${withoutLogin(repoURL)}`;
}
