import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';

/**
 * Ends a commit's trace with the status that says it is Synced and Healthy. For statuses that reach one replica only;
 * repeated reports of one bundle end it once.
 */
export function createTraceRecorder(): (cluster: string, status: AppStatus) => Promise<void> {
  const ended = new Map<string, string>();
  return async (cluster, { app, bundle, revision, sync, health, traceparent }) => {
    const key = `${cluster}/${app}`;
    if (sync !== 'Synced' || health.status !== 'Healthy' || !traceparent || ended.get(key) === bundle) return;
    ended.set(key, bundle);
    recordSpan(spans.statusRecorded, { traceparent, attributes: { cluster, application: app, revision } });
  };
}
