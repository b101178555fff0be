import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { WorkQueue } from '../queue/queue.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import { repositoryKey } from '../source/source-stage.ts';
import type { ResolvedRevision } from '../store/derived.ts';
import type { Attempt, Failure } from './attempt.ts';
import type { Branches, BranchWrite, Written } from './branches.ts';
import { blockedBy } from './failure.ts';
import { type DryCommit, formatFolder, formatMessage, formatRootMetadata, metadataName } from './folder-files.ts';
import type { HydratedIndexed, HydrationGroup } from './group.ts';
import type { HydratedApplication, HydrationRetry } from './hydration-store.ts';
import type { HydratorSettings } from './hydrator-settings.ts';
import type { Folder } from './plan-write.ts';
import { type CauseDeps, causeOf, nextRetry, projectsOf } from './retry.ts';
import { createTeller, type TellDeps } from './tell-pushes.ts';

export interface WriteDeps extends CauseDeps, TellDeps {
  logger: Logger;
  branches: Pick<Branches, 'write'>;
  queue: Pick<WorkQueue, 'enqueue'>;
  bundle(digest: string): Promise<Uint8Array>;
  now(): Date;
  random?: () => number;
  observe?(outcome: { outcome: 'pushed' | 'unchanged' | 'failed'; seconds: number }): void;
}

export interface GroupWrite {
  group: HydrationGroup;
  revision: ResolvedRevision & { sha: string };
  attempt: Attempt;
  /** Every Application of the group as it will have been written, by id. */
  apps: Record<string, HydratedApplication>;
  /** Those whose folders are compared with the branch. */
  due: ReadonlySet<string>;
  traceparent: string | undefined;
}

/** Argo CD: hosts fold what only says how manifests were made. */
const initialFiles = {
  '.gitattributes': '**/README.md linguist-generated=true\n**/hydrator.metadata linguist-generated=true\n',
};

/**
 * Writes what is due in one commit, and records it; a failure is recorded, and thrown when trying again may help. What was refused
 * is not tried again before its time, unless it has become something else.
 */
export async function writeGroup(work: GroupWrite, deps: WriteDeps, signal: AbortSignal): Promise<void> {
  const { group, revision, attempt, apps } = work;
  const cause = causeOf({ group, sha: revision.sha, apps }, deps);
  const refused = attempt.before?.retry?.cause === cause ? attempt.before.retry : undefined;
  if (refused && refused.at > deps.now().toISOString()) return;
  const retry = (error: FleetError) => nextRetry(error, { ...deps, cause, before: refused, now: deps.now() });
  await tryToWrite({ ...work, refused, retry }, deps, signal);
}

type Try = GroupWrite & {
  /** The same was refused before. */
  refused: HydrationRetry | undefined;
  retry(error: FleetError): HydrationRetry | undefined;
};

async function tryToWrite(work: Try, deps: WriteDeps, signal: AbortSignal): Promise<void> {
  const { group, revision, attempt, traceparent } = work;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1_000;
  const { repoURL, branch } = group.first.hydration.target;
  const attributes = { repository: withoutLogin(repoURL), branch, revision: revision.sha, applications: work.due.size };
  await attempt.beginWrite(revision.sha, work.due);
  const told = createTeller(work, work.refused, deps);
  let traced: string | undefined;
  try {
    traced = await withSpan(spans.sourceHydrate, { traceparent, attributes }, async (span) => {
      const written = await write(work, { ...deps, announce: told.push }, signal);
      await told.landed();
      span.setAttribute('pushed', written.changed.length > 0);
      // the branch may be new to whoever deploys it, so also when nothing was pushed
      const follow = [...new Set(group.apps.map(({ hydration }) => repositoryKey(hydration.target.repoURL)))];
      await attempt.succeed({ drySHA: revision.sha, hydratedSHA: written.sha, apps: work.apps, follow });
      deps.observe?.({ outcome: written.changed.length > 0 ? 'pushed' : 'unchanged', seconds: seconds() });
      return activeTraceparent();
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const known = toFleetError(error);
    deps.observe?.({ outcome: 'failed', seconds: seconds() });
    deps.logger.warn({ ...attributes, code: known.code, err: known }, 'hydration failed');
    await told.failure(known);
    await attempt.fail({ ...toFailure(known), drySHA: revision.sha, retry: work.retry(known) });
    if (known.retryable) throw known;
    return;
  }
  await followUp(attempt, deps, traced);
}

/** Has the stage before look at what was written, as the record asks for. Throws QueueUnavailable: then the record goes on asking. */
export async function followUp(
  attempt: Pick<Attempt, 'toFollow' | 'followed'>,
  { queue }: Pick<WriteDeps, 'queue'>,
  traceparent: string | undefined,
): Promise<void> {
  const keys = attempt.toFollow();
  if (keys.length === 0) return;
  await queue.enqueue(
    'source',
    keys.map((key) => ({ key, traceparent })),
  );
  await attempt.followed();
}

async function write(
  work: GroupWrite,
  deps: WriteDeps & Pick<BranchWrite, 'announce'>,
  signal: AbortSignal,
): Promise<Written> {
  const { group, revision } = work;
  const { repoURL, branch } = group.first.hydration.target;
  const settings = deps.settings();
  const dry = dryCommitOf(revision);
  const folders = await foldersOf(work, { ...deps, settings, dry });
  return await deps.branches.write(
    { repoURL, projects: projectsOf(group) },
    {
      branch,
      syncBranch: syncBranchOf(group),
      folders,
      root: { [metadataName]: formatRootMetadata(dry) },
      initial: initialFiles,
      message: formatMessage(dry, settings),
      author: `${settings.authorName} <${settings.authorEmail}>`,
      announce: deps.announce,
    },
    signal,
  );
}

/** Argo CD: a branch begins where it is merged to; those that are merged to several begin with nothing. */
function syncBranchOf({ apps, first }: HydrationGroup): string {
  const { branch, syncBranch } = first.hydration.target;
  return apps.every(({ hydration }) => hydration.target.syncBranch === syncBranch) ? syncBranch : branch;
}

function dryCommitOf({ repoURL, sha, author, committedAt, message }: GroupWrite['revision']): DryCommit {
  return { repoURL: withoutLogin(repoURL), sha, author, date: committedAt, message };
}

/** Bundles read at a time. */
const atOnce = 4;

async function foldersOf(
  { group, due, apps }: GroupWrite,
  { bundle, settings, dry }: Pick<WriteDeps, 'bundle'> & { settings: HydratorSettings; dry: DryCommit },
): Promise<Folder[]> {
  const format = async ({ id, hydration, application }: HydratedIndexed): Promise<Folder> => {
    try {
      const digest = apps[id]?.digest ?? '';
      const manifests = parseJson(Buffer.from(await bundle(digest)).toString()) as KubeObject[];
      const path = application.spec.sourceHydrator?.drySource.path ?? '';
      return { path: hydration.target.path, files: formatFolder({ digest, manifests }, { ...dry, path }, settings) };
    } catch (error) {
      const { code, message, retryable } = toFleetError(error);
      throw new FleetError(code, `application ${id}: ${message}`, {
        retryable,
        details: { [ownDetail]: id },
        cause: error,
      });
    }
  };
  return await mapLimit(
    group.apps.filter(({ id }) => due.has(id)),
    atOnce,
    format,
  );
}

/** Of an error that is one Application's: its id. */
const ownDetail = 'application';

/** What to say of a failure to those whose it is, and to the others. */
function toFailure({ message, details }: FleetError): Failure {
  const id = details?.[ownDetail];
  return typeof id === 'string' ? { message: blockedBy([id]), failures: { [id]: message } } : { message };
}
