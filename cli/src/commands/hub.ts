import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { Command } from 'commander';
import { cliVariables } from '../config.ts';
import { defaultContextFile } from '../context.ts';
import type { Io } from '../io.ts';
import type { Run } from '../session.ts';
import { addAdoptionCommands } from './adoption.ts';

interface HubOptions {
  data?: string;
  listen?: string;
  natsUrl?: string;
  redisUrl?: string;
  publicUrl?: string;
  contextFile?: string;
  plugins?: string;
  logLevel?: string;
}

/** Time that a hub gets to finish what it is doing. */
const drainMs = 20_000;

export function addHubCommand(program: Command, io: Io, run: Run): void {
  const hub = program
    .command('hub')
    .description('run a hub; every setting is also a WHEELHOUSE_ variable, see docs/reference')
    .option('--data <directory>', 'keys, admin token and mirrors of repositories')
    .option('--listen <address>', 'address of the API, host:port')
    .option('--nats-url <url>')
    .option('--redis-url <url>')
    .option('--public-url <url>', 'where agents and people reach the API')
    .option('--context-file <file>', 'where to write what the other commands need to find this hub')
    .option('--plugins <directory>', 'config management plugins, one file each')
    .option('--log-level <level>')
    .action(async (options: HubOptions) => await runHub(options, io));
  addAdoptionCommands(hub, run);
}

async function runHub(options: HubOptions, io: Io): Promise<void> {
  // only here, so that the other commands need not load a hub
  const { readHubConfig } = await import('@wheelhouse/hub/config');
  const { startHub } = await import('@wheelhouse/hub/hub');
  const contextFile = options.contextFile ?? io.env['WHEELHOUSE_CONTEXT_FILE'] ?? defaultContextFile(io.env);
  const config = readHubConfig(io.env, { ...options, contextFile }, cliVariables);
  const logger = createLogger({ name: 'hub', level: config.logLevel });
  const onFatal = (error: Error) => {
    io.err(`Error: ${error.message}\n`);
    process.exit(1);
  };
  const hub = await startHub(config, { logger, environment: io.env, onFatal }, io.signal);
  if (!io.signal.aborted) await new Promise((resolve) => io.signal.addEventListener('abort', resolve, { once: true }));
  setTimeout(() => process.exit(1), drainMs).unref();
  await hub[Symbol.asyncDispose]();
}
