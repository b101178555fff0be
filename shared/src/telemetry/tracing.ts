import { type Context, context, propagation, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** Span names, in the order of a commit's life: one trace from webhook or poll to Healthy. */
export const spans = {
  sourceFetch: 'source.fetch',
  appsetGenerate: 'appset.generate',
  appRender: 'app.render',
  /** Only where manifests are written to a branch first: between the render of what they are made of and the look at that branch. */
  sourceHydrate: 'source.hydrate',
  clusterAssign: 'cluster.assign',
  spokeReceive: 'spoke.receive',
  appApply: 'app.apply',
  appHealthy: 'app.healthy',
  statusRecorded: 'status.recorded',
  rolloutStep: 'rollout.step',
  /** Apart from the life of a commit: what can be done now of a set that is deleted step by step. */
  appsetDelete: 'appset.delete',
  /** Apart from the life of a commit: one act of a failover plan. */
  planStep: 'plan.step',
} as const;

export type SpanName = (typeof spans)[keyof typeof spans];
export type Attributes = Record<string, string | number | boolean>;

export interface TracingOptions {
  /** `service.name`: hub or spoke-agent. */
  service: string;
  /** OTLP over HTTP, as `http://127.0.0.1:4318`. Absent: contexts travel, nothing is exported. */
  endpoint?: string | undefined;
  attributes?: Attributes;
}

/** Installs the process's tracer once; disposing flushes and stops it. */
export function startTracing(options: TracingOptions): AsyncDisposable {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const spanProcessors = options.endpoint
    ? [
        new BatchSpanProcessor({
          exporter: new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` }),
          scheduledDelayMillis: 500,
          maxQueueSize: 16_384,
        }),
      ]
    : [];
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, ...options.attributes }),
    spanProcessors,
  });
  trace.setGlobalTracerProvider(provider);
  return { [Symbol.asyncDispose]: async () => await provider.shutdown() };
}

export interface SpanOptions {
  /** W3C `traceparent` of the parent; else the active span. */
  traceparent?: string | undefined;
  attributes?: Attributes;
  /** When it began, if not now. */
  startedAt?: Date;
}

/** Runs `task` within a span; an error is recorded on it and thrown on. */
export async function withSpan<T>(name: SpanName, options: SpanOptions, task: (span: Span) => Promise<T>): Promise<T> {
  const parent = parentContext(options.traceparent);
  const span = tracer().startSpan(name, spanInit(options), parent);
  return await context.with(trace.setSpan(parent, span), async () => {
    try {
      return await task(span);
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Records a span that is already over (waiting for health, say). Returns its traceparent. */
export function recordSpan(name: SpanName, options: SpanOptions): string | undefined {
  const parent = parentContext(options.traceparent);
  const span = tracer().startSpan(name, spanInit(options), parent);
  span.end();
  return traceparentOf(trace.setSpan(parent, span));
}

/** The active span as a W3C `traceparent`, to be carried in a job or a document; undefined outside a span. */
export function activeTraceparent(): string | undefined {
  return traceparentOf(context.active());
}

function tracer(): Tracer {
  return trace.getTracer('wheelhouse');
}

function spanInit(options: SpanOptions) {
  return {
    ...(options.attributes ? { attributes: options.attributes } : {}),
    ...(options.startedAt ? { startTime: options.startedAt } : {}),
  };
}

function parentContext(traceparent: string | undefined): Context {
  return traceparent ? propagation.extract(context.active(), { traceparent }) : context.active();
}

function traceparentOf(of: Context): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(of, carrier);
  return carrier.traceparent;
}
