/**
 * Finds out which commit each wanted revision of a repository stands for, and fetches new ones. A job is a repository.
 * When a repository cannot be reached, the last commit stays and the problem is recorded beside it.
 */
import { createHash } from 'node:crypto';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';
import type { Trigger } from '../queue/queue.ts';
import type { Derived } from '../store/derived.ts';
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
  const { repository, revision } = wanted;
  const before = deps.derived.revision(repository.url, revision);
  const startedAt = new Date();
  const attributes = { repository: withoutCredentials(repository.url), revision };
  try {
    // costs one look at the remote's refs when nothing is new
    const commit = await deps.git.fetch(repository, revision, signal);
    if (commit.sha === before?.sha && !before.problem) return 'same';
    const traceparent = recordSpan(spans.sourceFetch, { traceparent: wanted.traceparent, startedAt, attributes });
    const resolved = { repoURL: repository.url, targetRevision: revision, ...commit };
    await deps.derived.putRevision({ ...resolved, ...(traceparent ? { traceparent } : {}) });
    return 'new';
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = toFleetError(error, 'RepositoryUnreachable');
    deps.logger.warn({ ...attributes, code, err: error }, 'source failed');
    if (before?.problem?.message === message) return 'failed';
    const known = { repoURL: repository.url, targetRevision: revision, ...before };
    await deps.derived.putRevision({ ...known, problem: { code, message } });
    return 'failed';
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
