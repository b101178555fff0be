import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { readAgentConfig } from './config.ts';
import { runAgent } from './run.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    stop.abort();
    setTimeout(() => process.exit(1), 15_000).unref();
  });

try {
  const config = readAgentConfig();
  await runAgent(config, { logger: createLogger({ name: 'spoke-agent', level: config.logLevel }) }, stop.signal);
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`agent: ${toFleetError(error).message}\n`);
    process.exitCode = 1;
  }
}
process.exit();
