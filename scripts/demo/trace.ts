// `npm run demo -- trace`: what became of the last commit, as Jaeger keeps it. Inputs: Jaeger's query API.
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { spans as names } from '@wheelhouse/shared/telemetry/tracing';

/** A span as Jaeger's query API answers it, in the fields that are shown; times in microseconds. */
export interface JaegerSpan {
  spanID: string;
  operationName: string;
  processID: string;
  startTime: number;
  duration: number;
  references: { refType: string; spanID: string }[];
  tags: { key: string; value: unknown }[];
}

export interface JaegerTrace {
  traceID: string;
  spans: JaegerSpan[];
  processes: Record<string, { serviceName: string; tags?: { key: string; value: unknown }[] }>;
}

/** The newest trace that begins with a commit. Throws when there is none, or nothing answers. */
export async function readLastTrace(queryUrl: string): Promise<JaegerTrace> {
  const query = `/api/traces?service=hub&operation=${names.sourceFetch}&lookback=24h&limit=200`;
  const response = await fetch(queryUrl + query).catch((cause: unknown) => {
    throw new FleetError('NotFound', `no Jaeger answers at ${queryUrl}: is 'npm start -- --jaeger' running?`, {
      cause,
    });
  });
  const { data } = (await response.json()) as { data: JaegerTrace[] | null };
  const [newest] = (data ?? []).sort((left, right) => beginOf(right) - beginOf(left));
  if (!newest) throw new FleetError('NotFound', 'there is no trace of a commit yet: try again in a few seconds');
  return newest;
}

function beginOf({ spans }: JaegerTrace): number {
  return Math.min(...spans.map((span) => span.startTime));
}

/** A line a span below the span that caused it: when it began, how long it took, who did it, to what. */
export function formatTrace(trace: JaegerTrace): string {
  const { spans } = trace;
  const begin = beginOf(trace);
  const end = Math.max(...spans.map(({ startTime, duration }) => startTime + duration));
  const known = new Set(spans.map((span) => span.spanID));
  const parentOf = ({ references }: JaegerSpan) => references.find(({ spanID }) => known.has(spanID))?.spanID;
  const lines: string[] = [];
  const visit = (parent: string | undefined, depth: number) => {
    const children = spans.filter((span) => parentOf(span) === parent);
    for (const span of children.sort((left, right) => left.startTime - right.startTime)) {
      lines.push(formatSpan(span, { trace, begin, depth }));
      visit(span.spanID, depth + 1);
    }
  };
  visit(undefined, 0);
  const revision = spans.map((span) => tagOf(span.tags, 'revision')).find((value) => value !== '') ?? '';
  return `trace of ${revision.slice(0, 7)}, ${formatMs(end - begin)}, ${spans.length} spans\n${lines.join('\n')}\n`;
}

function formatSpan(span: JaegerSpan, place: { trace: JaegerTrace; begin: number; depth: number }): string {
  const process = place.trace.processes[span.processID];
  const cluster = tagOf(process?.tags ?? [], 'wheelhouse.cluster');
  const subject = ['application', 'app', 'applicationset', 'cluster', 'repository'].map((key) => tagOf(span.tags, key));
  const columns = [
    formatMs(span.startTime - place.begin).padStart(8),
    formatMs(span.duration).padStart(8),
    (cluster || process?.serviceName || '').padEnd(10),
    '  '.repeat(place.depth) + span.operationName,
    subject.find((text) => text !== '') ?? '',
  ];
  return columns.join('  ').trimEnd();
}

function tagOf(tags: readonly { key: string; value: unknown }[], key: string): string {
  const value = tags.find((tag) => tag.key === key)?.value;
  return typeof value === 'string' ? value : '';
}

function formatMs(microseconds: number): string {
  return `${(microseconds / 1_000).toFixed(microseconds < 10_000 ? 1 : 0)} ms`;
}
