import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { WorkQueue } from '../queue/queue.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import { repositoryKey } from '../source/source-stage.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { ResolvedRevision } from '../store/derived.ts';
import type { Attempt, Failure } from './attempt.ts';
import type { Branches, BranchWrite, Written } from './branches.ts';
import { blockedBy } from './failure.ts';
import { type DryCommit, formatFolder, formatMessage, formatRootMetadata, metadataName } from './folder-files.ts';
import type { HydratedIndexed, HydrationGroup } from './group.ts';
import type { HydratedApplication } from './hydration-store.ts';
import type { HydratorSettings } from './hydrator-settings.ts';
import type { Folder } from './plan-write.ts';

export interface WriteDeps {
  logger: Logger;
  branches: Branches;
  queue: Pick<WorkQueue, 'enqueue'>;
  bundle(digest: string): Promise<Uint8Array>;
  settings(): HydratorSettings;
  audit(entry: AuditEntry): Promise<void>;
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

/** Writes what is due in one commit, and records it; a failure is recorded, and thrown when trying again may help. */
export async function writeGroup(work: GroupWrite, deps: WriteDeps, signal: AbortSignal): Promise<void> {
  const { group, revision, attempt, traceparent } = work;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1_000;
  const { repoURL, branch } = group.first.hydration.target;
  const attributes = { repository: withoutLogin(repoURL), branch, revision: revision.sha, applications: work.due.size };
  await attempt.begin(revision.sha);
  const told = createTeller(work, deps);
  try {
    await withSpan(spans.sourceHydrate, { traceparent, attributes }, async (span) => {
      const written = await write(work, { ...deps, announce: told.push }, signal);
      told.landed();
      span.setAttribute('pushed', written.changed.length > 0);
      await attempt.succeed({ drySHA: revision.sha, hydratedSHA: written.sha, apps: work.apps });
      deps.observe?.({ outcome: written.changed.length > 0 ? 'pushed' : 'unchanged', seconds: seconds() });
      // the branch may be new to whoever deploys it, so also when nothing was pushed
      const urls = new Set(group.apps.map(({ hydration }) => hydration.target.repoURL));
      await deps.queue.enqueue(
        'source',
        [...urls].map((url) => ({ key: repositoryKey(url), traceparent: activeTraceparent() })),
      );
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const known = toFleetError(error);
    deps.observe?.({ outcome: 'failed', seconds: seconds() });
    deps.logger.warn({ ...attributes, code: known.code, err: known }, 'hydration failed');
    await told.failure(known);
    await attempt.fail({ ...toFailure(known), drySHA: revision.sha });
    if (known.retryable) throw known;
  }
}

/** Lines of the audit stream: one before each push, since one that nobody knows of would be worse, and one where it came to nothing. */
function createTeller({ group, revision }: GroupWrite, { audit }: Pick<WriteDeps, 'audit'>) {
  const { repoURL, branch } = group.first.hydration.target;
  const line = { by: 'source hydrator', object: `${withoutLogin(repoURL)} ${branch}` };
  const dry = { drySHA: revision.sha, dryRepository: withoutLogin(revision.repoURL) };
  let commit: string | undefined;
  return {
    push: async ({ sha, changed }: Written) => {
      commit = sha;
      const details = { commit, ...dry, folders: changed.slice(0, 100) };
      await audit({ ...line, action: 'push hydrated manifests', details });
    },
    /** What fails from here on is no push. */
    landed: () => {
      commit = undefined;
    },
    failure: async ({ code }: FleetError) => {
      if (commit === undefined) return;
      await audit({ ...line, action: 'fail to push hydrated manifests', details: { commit, ...dry, code } });
    },
  };
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
  const projects = new Set(group.apps.map(({ application }) => application.spec.project));
  return await deps.branches.write(
    { repoURL, projects },
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
