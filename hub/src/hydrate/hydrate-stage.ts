/**
 * Hydrate: writes what the dry sources of Applications come to into the branches that they are deployed from. A job is a branch.
 * All Applications that one branch gets from one revision are written in one commit, or none of them is. It must never push
 * where nothing changed, replace what no hydrator wrote, write the data of a Secret, or use a login that is for reading.
 */
import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Applications } from '../assign/applications.ts';
import type { Trigger } from '../queue/queue.ts';
import { openLocations } from '../render/render-stage.ts';
import { locationOf, type SourceLocation } from '../source/location.ts';
import type { Sources } from '../source/sources.ts';
import type { Derived, ResolvedRevision } from '../store/derived.ts';
import { openAttempt } from './attempt.ts';
import { type ClaimDeps, claimFolders } from './claims.ts';
import { blockedBy, failureOf } from './failure.ts';
import { type GatherDeps, type Gathered, gather } from './gather.ts';
import { groupsOf, type HydrationGroup, hydratedOf } from './group.ts';
import type { HydratedApplication, HydrationStore } from './hydration-store.ts';
import { type DueInput, isDue } from './is-due.ts';
import { wantedOf } from './open-record.ts';
import { tellUntold } from './tell-pushes.ts';
import { followUp, type GroupWrite, type WriteDeps, writeGroup } from './write-group.ts';

export interface HydrateDeps extends ClaimDeps, GatherDeps, WriteDeps, Pick<Sources, 'open'> {
  logger: Logger;
  applications: Pick<Applications, 'byBranch' | 'find'>;
  derived: Pick<Derived, 'render' | 'revision'>;
  hydrations: Pick<HydrationStore, 'read' | 'put' | 'delete' | 'requested' | 'withdrawRequest'> &
    ClaimDeps['hydrations'];
  /** Resolves a location that nobody asked for before, and records what it stands for. */
  resolve(location: SourceLocation, signal: AbortSignal): Promise<void>;
}

export async function runHydrate(trigger: Trigger, deps: HydrateDeps, signal: AbortSignal): Promise<void> {
  const apps = hydratedOf(deps.applications.byBranch(trigger.key));
  const groups = groupsOf(apps, await claimFolders(trigger.key, apps, deps));
  await forgetOthers(trigger.key, groups, deps);
  const failed: unknown[] = [];
  for (const group of groups) {
    try {
      await hydrate({ group, trigger }, deps, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failed.push(error);
    }
  }
  // each has its record; the first decides whether the job is tried again
  if (failed.length > 0) throw failed[0];
}

/** What is written of nobody any more is no news; what was written stays in its branch. */
async function forgetOthers(branchKey: string, groups: readonly HydrationGroup[], deps: HydrateDeps): Promise<void> {
  const present = new Set(groups.map(({ key }) => key));
  for (const { key } of deps.hydrations.ofBranch(branchKey)) {
    if (present.has(key)) continue;
    const stored = await deps.hydrations.read(key);
    if (stored) await tellUntold(stored.value, deps);
    await deps.hydrations.delete(key);
  }
  if (groups.length === 0 && deps.hydrations.requested(branchKey)) await deps.hydrations.withdrawRequest(branchKey);
}

interface Work {
  group: HydrationGroup;
  trigger: Trigger;
}

async function hydrate(work: Work, deps: HydrateDeps, signal: AbortSignal): Promise<void> {
  const { group, trigger } = work;
  const attempt = await openAttempt(group, deps);
  if (attempt.before && (await tellUntold(attempt.before, deps))) await attempt.remember(undefined);
  await followUp(attempt, deps, trigger.traceparent);
  const refused = Object.keys(group.refused);
  if (group.apps.length === 0) return await attempt.fail({ message: blockedBy(refused), failures: group.refused });
  const revision = dryRevision(group, deps);
  if (!revision) return; // whoever finds it makes this due again
  const { sha, problem } = revision;
  if (sha === undefined)
    return await attempt.fail({ message: problem?.message ?? 'the revision of its dry source is not known yet' });
  const traceparent = trigger.traceparent ?? revision.traceparent;
  await hydrateFrom({ ...work, revision: { ...revision, sha }, attempt, traceparent }, deps, signal);
}

type Begun = Work & Pick<GroupWrite, 'revision' | 'attempt' | 'traceparent'>;

async function hydrateFrom(work: Begun, deps: HydrateDeps, signal: AbortSignal): Promise<void> {
  const { group, attempt, revision } = work;
  const { sha } = revision;
  const gathered = await gatherAll(work, deps, signal);
  // another commit is another attempt, which is due already
  if (dryRevision(group, deps)?.sha !== sha) return;
  const failure = failureOf(group, gathered);
  if (failure) {
    await attempt.fail({ ...failure, drySHA: sha });
    if (failure.temporary) throw failure.temporary;
    return;
  }
  const wanted = wantedApps(group, gathered);
  if (!wanted) return await attempt.begin(sha);
  const last = attempt.before?.last;
  const isOwn = deps.hydrations.ofBranch(group.branchKey).some(({ last: written }) => written?.hydratedSHA === sha);
  const due = dueApps(wanted, { last, isOwn, isForced: isForced(group, last, deps) });
  const apps = Object.fromEntries([...wanted].map(([id, one]) => [id, one.wanted]));
  if (last && due.size === 0) return await attempt.confirm(isOwn ? last.drySHA : sha, apps);
  await writeGroup({ ...work, apps, due }, deps, signal);
}

function dryRevision({ first }: HydrationGroup, deps: Pick<HydrateDeps, 'derived'>): ResolvedRevision | undefined {
  const [source] = first.hydration.dry.sources;
  return source && deps.derived.revision(locationOf(source));
}

/** Renders and comparisons at a time; the pool of tools has its own bound. */
const atOnce = 8;

async function gatherAll(
  { group, traceparent }: Pick<GroupWrite, 'group' | 'traceparent'>,
  deps: HydrateDeps,
  signal: AbortSignal,
): Promise<Map<string, Gathered>> {
  using opened = openLocations(deps);
  const gathering = { ...deps, open: opened.open, traceparent };
  const found = await mapLimit(
    group.apps,
    atOnce,
    async (app) => [app.id, await gather(app, gathering, signal)] as const,
  );
  return new Map(found);
}

interface WantedApp {
  wanted: HydratedApplication;
  holdsRevision: boolean;
}

/** Undefined as long as it is not known of each. */
function wantedApps(
  group: HydrationGroup,
  gathered: ReadonlyMap<string, Gathered>,
): Map<string, WantedApp> | undefined {
  const wanted = new Map<string, WantedApp>();
  for (const app of group.apps) {
    const found = gathered.get(app.id);
    if (found?.type !== 'bundle') return undefined;
    wanted.set(app.id, { wanted: wantedOf(app, found.digest), holdsRevision: found.holdsRevision });
  }
  return wanted;
}

/** Those whose folders must be compared with the branch. */
function dueApps(wanted: ReadonlyMap<string, WantedApp>, input: DueInput): Set<string> {
  return new Set([...wanted].flatMap(([id, one]) => (isDue({ id, ...one }, input) ? id : [])));
}

/** Somebody asked since, or took the branch away. One that is only staged is mostly taken away once it is merged. */
function isForced(group: HydrationGroup, last: DueInput['last'], { derived, hydrations }: HydrateDeps): boolean {
  const { repoURL, branch } = group.first.hydration.target;
  const isGone = derived.revision({ repoURL, targetRevision: branch })?.problem?.code === 'RevisionNotFound';
  return isGone || (hydrations.requested(group.branchKey)?.at ?? '') > (last?.at ?? '');
}
