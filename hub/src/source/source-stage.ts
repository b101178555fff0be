/**
 * Finds out which commit each wanted revision of a repository stands for, and fetches new ones. A job is a repository.
 * When a repository cannot be reached, the last commit stays and the problem is recorded beside it.
 */
import { createHash } from 'node:crypto';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { Trigger } from '../queue/queue.ts';
import type { Derived, ResolvedRevision } from '../store/derived.ts';
import type { GitSource, Repository } from './source.ts';

export interface SourceDeps {
  logger: Logger;
  git: GitSource;
  derived: Pick<Derived, 'revision' | 'putRevision'>;
  /** Every (repository, revision) that an Application or a generator reads. */
  wanted(): Map<string, Set<string>>;
  repository(url: string): Repository;
  observe?(outcome: { repository: string; seconds: number; failed: boolean }): void;
}

/** Key of a repository's jobs. */
export function repositoryKey(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 40);
}

export async function runSource(trigger: Trigger, deps: SourceDeps, signal: AbortSignal): Promise<void> {
  const found = [...deps.wanted()].find(([url]) => repositoryKey(url) === trigger.key);
  if (!found) return;
  const [url, revisions] = found;
  const repository = deps.repository(url);
  const started = performance.now();
  const outcomes = await Promise.all(
    [...revisions].map(
      async (revision) => await refresh({ repository, revision, traceparent: trigger.traceparent }, deps, signal),
    ),
  );
  deps.observe?.({
    repository: url,
    seconds: (performance.now() - started) / 1_000,
    failed: outcomes.includes('failed'),
  });
}

export interface Wanted {
  repository: Repository;
  revision: string;
  traceparent?: string | undefined;
}

/** Brings the record of one revision up to date. Failures are recorded, not thrown. */
export async function refresh(
  wanted: Wanted,
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<'same' | 'new' | 'failed'> {
  const { repository, revision, traceparent: parent } = wanted;
  const before = deps.derived.revision(repository.url, revision);
  try {
    if (before?.sha && !before.problem && (await isCurrent(before, { repository, git: deps.git }, signal)))
      return 'same';
    return await withSpan(
      spans.sourceFetch,
      { traceparent: parent, attributes: { repository: withoutCredentials(repository.url), revision } },
      async () => {
        const commit = await deps.git.fetch(repository, revision, signal);
        if (commit.sha === before?.sha && !before.problem) return 'same';
        const traceparent = activeTraceparent();
        await deps.derived.putRevision({
          repoURL: repository.url,
          targetRevision: revision,
          ...commit,
          ...(traceparent ? { traceparent } : {}),
        });
        return 'new';
      },
    );
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = toFleetError(error, 'RepositoryUnreachable');
    if (before?.problem?.message !== message)
      await deps.derived.putRevision({
        repoURL: repository.url,
        targetRevision: revision,
        ...before,
        problem: { code, message },
      });
    deps.logger.warn({ repository: withoutCredentials(repository.url), revision, code, err: error }, 'source failed');
    return 'failed';
  }
}

/** One cheap look at the remote's refs decides whether anything must be fetched. */
async function isCurrent(
  before: ResolvedRevision,
  source: { repository: Repository; git: GitSource },
  signal: AbortSignal,
): Promise<boolean> {
  if (before.targetRevision === before.sha) return true;
  const refs = await source.git.listRefs(source.repository, signal);
  return refs.resolve(before.targetRevision) === before.sha;
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
