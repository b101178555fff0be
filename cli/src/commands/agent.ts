import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { Command } from 'commander';
import { cliVariables } from '../config.ts';
import type { Io } from '../io.ts';

interface AgentOptions {
  token?: string;
  context?: string;
  kubeconfig?: string;
  state?: string;
  labels?: string;
  clusterName?: string;
  simulate?: boolean;
  logLevel?: string;
}

const drainMs = 15_000;
/** Of the agent as well, where it is the enrolment token. */
const shared = 'WHEELHOUSE_TOKEN';

export function addAgentCommand(program: Command, io: Io): void {
  program
    .command('agent')
    .description('run the agent of one cluster; --token takes an enrolment token, --context one of the kubeconfig')
    .option('--kubeconfig <file>', 'the Pod’s service account, else your own kubeconfig, unless given')
    .option('--state <directory>', 'identity, documents and records; one for each agent')
    .option('--labels <labels>', 'key=value,… that its cluster shall have, as far as the hub allows')
    .option('--cluster-name <name>', 'the name that it takes, where the token is for a pattern')
    .option('--simulate', 'a cluster in memory instead of a real one')
    .option('--log-level <level>')
    .action(
      async (_options: object, command: Command) => await startAgent(command.optsWithGlobals<AgentOptions>(), io),
    );
}

async function startAgent(
  { token, context, kubeconfig, state, labels, clusterName, simulate, logLevel }: AgentOptions,
  io: Io,
): Promise<void> {
  // only here, so that the other commands need not load an agent
  const { readAgentConfig } = await import('@wheelhouse/spoke-agent/config');
  const { runAgent } = await import('@wheelhouse/spoke-agent/run');
  const own = Object.entries(io.env).filter(
    ([name]) => name === shared || !cliVariables.some((other) => other === name),
  );
  const flags = {
    token,
    context,
    kubeconfig,
    labels,
    'state-dir': state,
    'cluster-name': clusterName,
    'log-level': logLevel,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  const config = readAgentConfig(Object.fromEntries(own), simulate ? [...args, '--simulate'] : args);
  const logger = createLogger({ name: 'spoke-agent', level: config.logLevel });
  io.signal.addEventListener('abort', () => setTimeout(() => process.exit(1), drainMs).unref(), { once: true });
  await runAgent(config, { logger }, io.signal);
}
