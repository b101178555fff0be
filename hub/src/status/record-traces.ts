import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';

/** What a cluster saw longer ago belongs to a trace that nobody waits for: statuses kept from before traces were exported. */
const oldMs = 10 * 60_000;

/**
 * Ends a commit's trace with the status that says it is Synced and Healthy. For statuses that reach one replica only;
 * repeated reports of one bundle end it once.
 */
export function createTraceRecorder({
  now,
}: {
  now: () => Date;
}): (cluster: string, status: AppStatus) => Promise<void> {
  const ended = new Map<string, string>();
  return async (cluster, { app, bundle, revision, sync, health, observedAt, traceparent }) => {
    const key = `${cluster}/${app}`;
    if (now().getTime() - Date.parse(observedAt) > oldMs) return;
    if (sync !== 'Synced' || health.status !== 'Healthy' || !traceparent || ended.get(key) === bundle) return;
    ended.set(key, bundle);
    recordSpan(spans.statusRecorded, { traceparent, attributes: { cluster, application: app, revision } });
  };
}
