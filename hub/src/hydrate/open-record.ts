import { isDeepStrictEqual } from 'node:util';
import { withoutLogin } from '../source/http/http-client.ts';
import { type HydratedIndexed, type HydrationGroup, hydrateAnnotation } from './group.ts';
import type { HydratedApplication, HydrationRecord, HydrationStore } from './hydration-store.ts';

/** What an attempt says; what it does not say of is kept, or follows from the group. */
export type Said = Omit<HydrationRecord, 'key' | 'branchKey' | 'repoURL' | 'branch' | 'apps' | 'refused'>;

/** The record of a group while one attempt writes it, with compare-and-set, and only when it says something new. */
export interface OpenRecord {
  /** As it was when it was opened. */
  before: HydrationRecord | undefined;
  present(): HydrationRecord | undefined;
  /** Throws Conflict when somebody else wrote meanwhile. */
  write(next: HydrationRecord): Promise<void>;
  put(said: Said): Promise<void>;
}

/** Who is refused is told at once, also where nothing else is due. */
export async function openRecord(
  group: HydrationGroup,
  hydrations: Pick<HydrationStore, 'read' | 'put'>,
): Promise<OpenRecord> {
  const stored = await hydrations.read(group.key);
  let revision = stored?.revision ?? 0;
  let present = stored?.value;
  const write = async (next: HydrationRecord) => {
    if (present && isDeepStrictEqual(untimed(present), untimed(next))) return;
    revision = await hydrations.put(next, revision);
    present = next;
  };
  if (present) {
    const { refused: _, ...rest } = present;
    await write({ ...rest, ...refusedOf(group) });
  }
  return {
    before: stored?.value,
    present: () => present,
    write,
    put: async (said) => await write({ ...identityOf(group), ...keptOf(present), ...said }),
  };
}

function identityOf(group: HydrationGroup) {
  const { key, branchKey, first, apps } = group;
  const { repoURL, branch } = first.hydration.target;
  const wanted = Object.fromEntries(apps.map((app) => [app.id, wantedOf(app)]));
  return { key, branchKey, repoURL: withoutLogin(repoURL), branch, apps: wanted, ...refusedOf(group) };
}

function keptOf(present: HydrationRecord | undefined): Partial<Said> {
  const { last, follow, untold } = present ?? {};
  return { ...(last ? { last } : {}), ...(follow ? { follow } : {}), ...(untold ? { untold } : {}) };
}

function refusedOf({ refused }: HydrationGroup): Pick<HydrationRecord, 'refused'> {
  return Object.keys(refused).length > 0 ? { refused } : {};
}

/** Times alone are nothing new. */
function untimed({ startedAt: _, finishedAt: __, last, ...record }: HydrationRecord) {
  return { ...record, last: last && { ...last } };
}

/** What is asked for by an Application now. */
export function wantedOf({ application }: HydratedIndexed, digest?: string): HydratedApplication {
  const asked = application.metadata.annotations?.[hydrateAnnotation];
  const { sourceHydrator } = application.spec;
  return {
    hydrator: sourceHydrator as HydratedApplication['hydrator'],
    ...(digest === undefined ? {} : { digest }),
    ...(asked ? { asked } : {}),
  };
}
