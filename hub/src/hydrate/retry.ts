import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { HydrationGroup } from './group.ts';
import type { HydratedApplication, HydrationRetry, HydrationStore } from './hydration-store.ts';
import type { HydratorSettings } from './hydrator-settings.ts';

/** What only somebody else can mend, mostly without the hub being told, and what is much work in vain. */
const refusals: readonly string[] = ['PushRefused', 'RepositoryAuthentication', 'TooLarge'];
const leastMs = 30_000;
const backoff = { baseMs: 60_000, maxMs: 3_600_000 };

export interface CauseDeps {
  hydrations: Pick<HydrationStore, 'requested'>;
  settings(): HydratorSettings;
  /** Another text whenever what may write there for these projects changes. */
  versionOfWriter(repoURL: string, projects: ReadonlySet<string>): string;
}

/**
 * Names what a push depends on that the hub knows of: the dry commit, what the Applications want, what anybody asked for, the
 * login and the settings. As long as it stays, a server that refused is likely to refuse again.
 */
export function causeOf(
  { group, sha, apps }: { group: HydrationGroup; sha: string; apps: Readonly<Record<string, HydratedApplication>> },
  { hydrations, settings, versionOfWriter }: CauseDeps,
): string {
  const writer = versionOfWriter(group.first.hydration.target.repoURL, projectsOf(group));
  const asked = hydrations.requested(group.branchKey)?.at;
  return digestOf(canonicalJson({ sha, apps, asked, writer, settings: settings() }));
}

/** On whose behalf a branch is written. */
export function projectsOf({ apps }: HydrationGroup): ReadonlySet<string> {
  return new Set(apps.map(({ application }) => application.spec.project));
}

/** What is remembered of a failure; undefined for one that the queue, or the next sweep, tries again. */
export function nextRetry(
  { code }: FleetError,
  {
    cause,
    before,
    now,
    random,
  }: { cause: string; before: HydrationRetry | undefined; now: Date; random?: () => number },
): HydrationRetry | undefined {
  if (!refusals.includes(code)) return undefined;
  const failures = before?.cause === cause ? before.failures + 1 : 1;
  const waitMs = leastMs + backoffMs(failures - 1, { ...backoff, ...(random ? { random } : {}) });
  return { cause, code, failures, at: new Date(now.getTime() + waitMs).toISOString() };
}
