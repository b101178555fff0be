import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

export interface Jaeger extends AsyncDisposable {
  /** The base URL for OTLP over HTTP: traces go to `<otlpUrl>/v1/traces`. */
  readonly otlpUrl: string;
  /** The base URL of the query API: `<queryUrl>/api/traces?service=…`. */
  readonly queryUrl: string;
}

/** Starts a Jaeger that keeps traces in memory, on free loopback ports. */
export async function startJaeger(options: { otlpPort?: number; queryPort?: number } = {}): Promise<Jaeger> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir({ prefix: 'wheelhouse-jaeger-' })).path;
  const otlpPort = options.otlpPort ?? (await freePort());
  const queryPort = options.queryPort ?? (await freePort());
  const configFile = join(dir, 'jaeger.json');
  await writeFile(configFile, JSON.stringify(configuration({ otlpPort, queryPort, grpcPort: await freePort() })));
  stack.use(
    await startChild({
      command: getTool('jaeger'),
      args: ['--config', configFile],
      logFile: join(dir, 'jaeger.log'),
      ready: queryPort,
    }),
  );
  const owned = stack.move();
  return {
    otlpUrl: `http://127.0.0.1:${otlpPort}`,
    queryUrl: `http://127.0.0.1:${queryPort}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** JSON is YAML: Jaeger 2 is an OpenTelemetry collector and is configured as one. */
function configuration(ports: { otlpPort: number; queryPort: number; grpcPort: number }): object {
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${ports.queryPort}` },
        grpc: { endpoint: `127.0.0.1:${ports.grpcPort}` },
      },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.otlpPort}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}
