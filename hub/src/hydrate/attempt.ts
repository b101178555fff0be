import { isDeepStrictEqual } from 'node:util';
import type { HydrationGroup } from './group.ts';
import type {
  HydratedApplication,
  HydrationRecord,
  HydrationRetry,
  HydrationStore,
  PushedCommit,
} from './hydration-store.ts';
import { openRecord } from './open-record.ts';

/** One look at what a branch gets from a revision, and its record, which is written only when it says something new. */
export interface Attempt {
  /** As it was when the attempt began. */
  before: HydrationRecord | undefined;
  /** Something is due that cannot be told yet, or is being written; of a commit that failed, it goes on to say so. */
  begin(drySHA: string): Promise<void>;
  /** A commit is about to be pushed of which the audit stream says nothing yet; nothing, once it does or it came to nothing. */
  remember(untold: PushedCommit | undefined): Promise<void>;
  fail(why: Failure): Promise<void>;
  succeed(outcome: { drySHA: string; hydratedSHA: string; apps: Record<string, HydratedApplication> }): Promise<void>;
  /** What is in the branch is what is wanted: nothing was due. */
  confirm(apps: Record<string, HydratedApplication>): Promise<void>;
}

export interface Failure {
  /** For those of which nothing of their own is said. */
  message: string;
  /** By Application id. */
  failures?: Readonly<Record<string, string>>;
  drySHA?: string | undefined;
  retry?: HydrationRetry | undefined;
}

export interface AttemptDeps {
  hydrations: Pick<HydrationStore, 'read' | 'put'>;
  now(): Date;
}

export async function openAttempt(group: HydrationGroup, { hydrations, now }: AttemptDeps): Promise<Attempt> {
  const { before, present, write, put } = await openRecord(group, hydrations);
  const startedAt = now().toISOString();
  const finish = () => ({ startedAt, finishedAt: now().toISOString() });
  const hydrated = async (last: NonNullable<HydrationRecord['last']>) => {
    const { drySHA, hydratedSHA } = last;
    await put({ phase: 'Hydrated', ...finish(), drySHA, hydratedSHA, last });
  };
  return {
    before,
    begin: async (drySHA) => {
      // a failure is told until it is over, not each time that it is looked at again
      const record = present();
      if (record?.phase === 'Failed' && record.drySHA === drySHA) return;
      await put({ phase: 'Hydrating', startedAt, drySHA });
    },
    remember: async (untold) => {
      const record = present();
      if (!record) return;
      const { untold: _, ...rest } = record;
      await write({ ...rest, ...(untold ? { untold } : {}) });
    },
    fail: async ({ message, failures, drySHA, retry }) =>
      await put({
        phase: 'Failed',
        ...finish(),
        message,
        ...(failures ? { failures } : {}),
        ...(drySHA === undefined ? {} : { drySHA }),
        ...(retry ? { retry } : {}),
      }),
    succeed: async (outcome) => await hydrated({ at: startedAt, ...outcome }),
    confirm: async (apps) => {
      const last = before?.last;
      if (last) await hydrated({ ...last, apps });
    },
  };
}

export interface DueInput {
  last: HydrationRecord['last'];
  sha: string;
  /** The dry commit is one that was written for the same branch: what differs by its id alone is not due. */
  isOwn: boolean;
  /** Somebody wants everything to be compared with the branch. */
  isForced: boolean;
}

/** Whether an Application's folder must be compared with what its branch has. */
export function isDue(
  { id, wanted, holdsRevision }: { id: string; wanted: HydratedApplication; holdsRevision: boolean },
  { last, sha, isOwn, isForced }: DueInput,
): boolean {
  const written = last?.apps[id];
  const isNewCommit = last?.drySHA !== sha && !isOwn;
  if (!written || isForced || isNewCommit || isAskedAnew(wanted, written)) return true;
  return wanted.digest !== written.digest && !(isOwn && holdsRevision);
}

/** By other fields, or by the annotation. Argo CD: only `hard` asks for more than what is due anyway. */
function isAskedAnew({ asked, hydrator }: HydratedApplication, written: HydratedApplication): boolean {
  return (asked === 'hard' && written.asked !== 'hard') || !isDeepStrictEqual(hydrator, written.hydrator);
}
