/**
 * Finds out which commit each wanted revision of a repository stands for, and fetches new ones. A job is a repository.
 * When a repository cannot be reached, the last commit stays and the problem is recorded beside it.
 */
import { createHash } from 'node:crypto';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';
import type { Trigger } from '../queue/queue.ts';
import type { Derived, ResolvedRevision } from '../store/derived.ts';
import { withoutLogin } from './http/http-client.ts';
import type { SourceLocation } from './location.ts';
import type { FetchedSource, Sources } from './sources.ts';

export interface SourceDeps {
  logger: Logger;
  sources: Sources;
  derived: Pick<Derived, 'revision' | 'putRevision'>;
  /** Everything that an Application, a render or a generator reads, by repository. */
  wanted(): Map<string, readonly SourceLocation[]>;
  observe?(outcome: { repository: string; seconds: number; failed: boolean }): void;
}

/** Key of a repository's jobs. */
export function repositoryKey(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 40);
}

export async function runSource(trigger: Trigger, deps: SourceDeps, signal: AbortSignal): Promise<void> {
  const found = [...deps.wanted()].find(([url]) => repositoryKey(url) === trigger.key);
  if (!found) return;
  const [url, locations] = found;
  const started = performance.now();
  const outcomes = await Promise.all(
    locations.map(async (location) => await refresh({ location, traceparent: trigger.traceparent }, deps, signal)),
  );
  deps.observe?.({
    repository: url,
    seconds: (performance.now() - started) / 1_000,
    failed: outcomes.includes('failed'),
  });
}

export interface Wanted {
  location: SourceLocation;
  traceparent?: string | undefined;
}

/** Brings the record of one revision up to date. Failures are recorded, not thrown. */
export async function refresh(
  wanted: Wanted,
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<'same' | 'new' | 'failed'> {
  const { location } = wanted;
  const before = deps.derived.revision(location);
  const startedAt = new Date();
  const attributes = { repository: withoutLogin(location.repoURL), revision: location.targetRevision };
  try {
    // costs one look at the remote's refs when nothing is new
    const commit = await deps.sources.fetch(location, signal);
    if (before && isSame(before, commit)) return 'same';
    const traceparent = recordSpan(spans.sourceFetch, { traceparent: wanted.traceparent, startedAt, attributes });
    await deps.derived.putRevision({ ...location, ...commit, ...(traceparent ? { traceparent } : {}) });
    return 'new';
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = toFleetError(error, 'RepositoryUnreachable');
    deps.logger.warn({ ...attributes, code, err: error }, 'source failed');
    if (before?.problem?.message === message) return 'failed';
    await deps.derived.putRevision({ ...location, ...before, problem: { code, message } });
    return 'failed';
  }
}

function isSame(before: ResolvedRevision, fetched: FetchedSource): boolean {
  return before.sha === fetched.sha && before.digest === fetched.digest && !before.problem;
}
