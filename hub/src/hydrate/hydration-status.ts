import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import type { SourceHydratorStatus } from '@wheelhouse/shared/resources/application-status';
import type { IndexedApplication } from '../assign/applications.ts';
import type { HydrationRecord } from './hydration-store.ts';

/** What people see of an Application's hydration, in Argo CD's shape; undefined as long as nothing was tried. */
export function formatHydration(
  { id, hydration }: Pick<IndexedApplication, 'id' | 'hydration'>,
  record: HydrationRecord | undefined,
): SourceHydratorStatus | undefined {
  if (!hydration || !record) return undefined;
  const { application } = hydration.dry;
  const spec = application.spec.sourceHydrator;
  const written = record.last?.apps[id];
  return {
    ...(record.last && written
      ? { lastSuccessfulOperation: { ...shasOf(record.last), sourceHydrator: written.hydrator } }
      : {}),
    ...(spec ? { currentOperation: formatOperation(id, record, spec) } : {}),
  };
}

function formatOperation(id: string, record: HydrationRecord, spec: SourceHydrator) {
  const { startedAt, finishedAt, drySHA, apps } = record;
  const message = whyNotHydrated(id, record);
  const isRefused = ownOf(record.refused, id) !== undefined;
  const [phase, hydratedSHA] = isRefused ? ['Failed' as const, undefined] : [record.phase, record.hydratedSHA];
  return {
    phase,
    startedAt,
    ...(finishedAt ? { finishedAt } : {}),
    ...(message === undefined ? {} : { message }),
    ...(drySHA === undefined ? {} : { drySHA }),
    ...(hydratedSHA === undefined ? {} : { hydratedSHA }),
    sourceHydrator: apps[id]?.hydrator ?? spec,
  };
}

function shasOf({ drySHA, hydratedSHA }: { drySHA: string; hydratedSHA: string }) {
  return { drySHA, hydratedSHA };
}

/** Why what was written last is not the newest, of one Application, and when that is looked at again by itself. */
export function whyNotHydrated(id: string, record: HydrationRecord): string | undefined {
  const { phase, failures, message, refused, retry } = record;
  const reason = ownOf(refused, id);
  if (reason !== undefined) return reason;
  const why = phase === 'Failed' ? (ownOf(failures, id) ?? message) : undefined;
  if (why === undefined || !retry) return why;
  const { failures: count, at } = retry;
  return `${why} (failed ${count === 1 ? 'once' : `${count} times`}; tried again after ${at}, or at once with a new dry commit, another login or a hard refresh)`;
}

/** An Application may be called `constructor`. */
function ownOf(reasons: Readonly<Record<string, string>> = {}, id: string): string | undefined {
  return Object.hasOwn(reasons, id) ? reasons[id] : undefined;
}
