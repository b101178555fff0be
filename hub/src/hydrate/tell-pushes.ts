import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { withoutLogin } from '../source/http/http-client.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { ResolvedRevision } from '../store/derived.ts';
import type { Attempt } from './attempt.ts';
import type { Written } from './branches.ts';
import type { HydrationGroup } from './group.ts';
import type { HydrationRecord, HydrationRetry, PushedCommit } from './hydration-store.ts';

/** What becomes of the pushes of one attempt, in the audit stream. */
export interface PushTeller {
  /** Before each push. */
  push(push: Written): Promise<void>;
  /** The newest of them got through: what fails from here on is none. */
  landed(): Promise<void>;
  /** The newest of them, if there was one, came to nothing. */
  failure(error: FleetError): Promise<void>;
}

export interface TellDeps {
  audit(entry: AuditEntry): Promise<void>;
}

/**
 * One line before each push, since one that nobody knows of would be worse, and one where it came to nothing. Where `before` says
 * that the same was refused already, neither is repeated: the record names the commit until it is known what became of it.
 */
export function createTeller(
  {
    group,
    revision,
    attempt,
  }: { group: HydrationGroup; revision: ResolvedRevision & { sha: string }; attempt: Attempt },
  before: HydrationRetry | undefined,
  { audit }: TellDeps,
): PushTeller {
  const line = lineOf(group.first.hydration.target);
  const dry = { drySHA: revision.sha, dryRepository: withoutLogin(revision.repoURL) };
  let newest: PushedCommit | undefined;
  const tell = async (push: PushedCommit) => await audit({ ...line, action: pushed, details: { ...push } });
  return {
    push: async ({ sha, changed }) => {
      newest = { commit: sha, ...dry, folders: changed.slice(0, 100) };
      await (before ? attempt.remember(newest) : tell(newest));
    },
    landed: async () => {
      const push = newest;
      newest = undefined;
      if (!push || !before) return;
      await tell(push);
      await attempt.remember(undefined);
    },
    failure: async ({ code }) => {
      if (!newest) return;
      if (before && before.code !== code) await tell(newest);
      if (before?.code !== code)
        await audit({
          ...line,
          action: 'fail to push hydrated manifests',
          details: { commit: newest.commit, ...dry, code },
        });
      if (before) await attempt.remember(undefined);
    },
  };
}

/** Tells of a push that was begun by somebody who was stopped before he knew what became of it; whether there was one. */
export async function tellUntold(record: HydrationRecord, { audit }: TellDeps): Promise<boolean> {
  const { untold } = record;
  if (untold) await audit({ ...lineOf(record), action: pushed, details: { ...untold } });
  return untold !== undefined;
}

const pushed = 'push hydrated manifests';

function lineOf({ repoURL, branch }: Pick<HydrationRecord, 'repoURL' | 'branch'>): Pick<AuditEntry, 'by' | 'object'> {
  return { by: 'source hydrator', object: `${withoutLogin(repoURL)} ${branch}` };
}
