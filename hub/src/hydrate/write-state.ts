import type { ConnectionState } from '../api/deps.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { HydrationRecord } from './hydration-store.ts';

/** How the last writing to a repository went, over its branches; undefined where nothing was written. What does not render is no matter of the repository's. */
export function writeState(url: string, records: readonly HydrationRecord[]): ConnectionState | undefined {
  const written = withoutLogin(url);
  const ended = records.filter(({ repoURL, finishedAt, failures }) => repoURL === written && finishedAt && !failures);
  const [newest] = ended.sort((a, b) => (String(a.finishedAt) > String(b.finishedAt) ? -1 : 1));
  if (!newest) return undefined;
  const { phase, message = '', finishedAt } = newest;
  const status = phase === 'Failed' ? 'Failed' : 'Successful';
  return { status, message, ...(finishedAt ? { attemptedAt: finishedAt } : {}) };
}
