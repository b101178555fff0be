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
  /** The same, of what is about to be written for these: until that went well, nobody knows what their folders hold. */
  beginWrite(drySHA: string, due: ReadonlySet<string>): Promise<void>;
  /** A commit is about to be pushed of which the audit stream says nothing yet; nothing, once it does or it came to nothing. */
  remember(untold: PushedCommit | undefined): Promise<void>;
  fail(why: Failure): Promise<void>;
  succeed(outcome: Outcome): Promise<void>;
  /** Keys of what is to be looked at because of this attempt, or one before, and is not enqueued yet. */
  toFollow(): readonly string[];
  /** It is enqueued. */
  followed(): Promise<void>;
  /** What is in the branch is what is wanted, as it was after the dry commit of before: nothing was due. */
  confirm(drySHA: string, apps: Record<string, HydratedApplication>): Promise<void>;
}

export interface Outcome {
  drySHA: string;
  hydratedSHA: string;
  apps: Record<string, HydratedApplication>;
  /** Recorded with it, so that it is not lost with whoever was to enqueue it. */
  follow: readonly string[];
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
  const hydrated = async (last: NonNullable<HydrationRecord['last']>, follow?: readonly string[]) => {
    const { drySHA, hydratedSHA } = last;
    await put({ phase: 'Hydrated', ...finish(), drySHA, hydratedSHA, last, ...(follow ? { follow } : {}) });
  };
  const begin = async (drySHA: string, last?: HydrationRecord['last']) => {
    // a failure is told until it is over, not each time that it is looked at again
    const record = present();
    const isTold = record?.phase === 'Failed' && record.drySHA === drySHA;
    if (!isTold) return await put({ phase: 'Hydrating', startedAt, drySHA, ...(last ? { last } : {}) });
    if (last) await write({ ...record, last });
  };
  return {
    before,
    begin: async (drySHA) => await begin(drySHA),
    beginWrite: async (drySHA, due) => {
      const last = present()?.last;
      await begin(drySHA, last && withoutDigests(last, due));
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
    succeed: async ({ follow, ...outcome }) => await hydrated({ at: startedAt, ...outcome }, follow),
    toFollow: () => present()?.follow ?? [],
    followed: async () => {
      const record = present();
      if (!record) return;
      const { follow: _, ...rest } = record;
      await write(rest);
    },
    confirm: async (drySHA, apps) => {
      const last = before?.last;
      if (last) await hydrated({ ...last, drySHA, apps });
    },
  };
}

function withoutDigests(
  last: NonNullable<HydrationRecord['last']>,
  due: ReadonlySet<string>,
): NonNullable<HydrationRecord['last']> {
  const apps = Object.entries(last.apps).map(([id, { digest, ...app }]): [string, HydratedApplication] => [
    id,
    due.has(id) || digest === undefined ? app : { ...app, digest },
  ]);
  return { ...last, apps: Object.fromEntries(apps) };
}
