import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';

/** A document can carry changes of many commits; that many get a span of their own. */
const maxTraces = 50;

/**
 * Records a `spoke.receive` span in each trace that a received document continues, and returns the Applications with the
 * context of that span. What did not change since `previous`, and what was read from disk, continues no trace.
 */
export function continueTraces(
  document: AssignmentDocument,
  previous: AssignmentDocument | undefined,
  options: { restored: boolean; receivedAt: Date },
): AssignedApp[] {
  const before = new Map(previous?.apps.map((app) => [app.app, app.traceparent]));
  const contexts = new Map<string, string | undefined>();
  const contextOf = (traceparent: string): string | undefined => {
    if (!contexts.has(traceparent) && contexts.size < maxTraces)
      contexts.set(
        traceparent,
        recordSpan(spans.spokeReceive, {
          traceparent,
          startedAt: options.receivedAt,
          attributes: { 'wheelhouse.cluster': document.cluster, 'wheelhouse.generation': document.gen },
        }),
      );
    return contexts.get(traceparent) ?? traceparent;
  };
  return document.apps.map(({ traceparent, ...app }) => {
    const isNew = traceparent !== undefined && !options.restored && before.get(app.app) !== traceparent;
    const context = isNew ? contextOf(traceparent) : undefined;
    return context === undefined ? app : { ...app, traceparent: context };
  });
}
