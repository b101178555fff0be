import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { readEnvironment, readHubConfig } from './config.ts';
import { startHub } from './hub.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

try {
  const config = readHubConfig();
  const logger = createLogger({ name: 'hub', level: config.logLevel });
  const onFatal = (error: Error) => {
    process.stderr.write(`hub: ${error.message}\n`);
    process.exit(1);
  };
  const hub = await startHub(config, { logger, environment: readEnvironment(), onFatal }, stop.signal);
  if (!stop.signal.aborted)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  const deadline = setTimeout(() => process.exit(1), 20_000);
  deadline.unref();
  await hub[Symbol.asyncDispose]();
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`hub: ${toFleetError(error).message}\n`);
    process.exitCode = 1;
  }
}
process.exit();
