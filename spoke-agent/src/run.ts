import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { startTracing } from '@wheelhouse/shared/telemetry/tracing';
import { type Agent, createAgent } from './agent.ts';
import type { Cluster } from './cluster/cluster.ts';
import { createMemoryCluster } from './cluster/memory/memory.ts';
import { serveMemoryCluster } from './cluster/memory/serve.ts';
import { type AgentConfig, redactAgentConfig } from './config.ts';
import { enrol, type Installation } from './link/enrol.ts';
import { type Identity, loadIdentity } from './link/identity.ts';
import { createLink, type Link } from './link/link.ts';
import { version } from './version.ts';

const healthIntervalMs = 10_000;
/** Agents that start together, after a power cut say, connect within this time at random. */
const maxFirstDelayMs = 1_000;
const maxRetryMs = 30_000;
/** Simulated workloads start about as fast as small real ones. */
const simulatedSettleMs = 1_500;

/** Runs the agent of one cluster until the signal aborts. Throws what a person must mend: a bad token, no token, a bad kubeconfig. */
export async function runAgent(
  config: AgentConfig,
  { logger }: { logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  logger.info({ config: redactAgentConfig(config) }, 'agent starts');
  await mkdir(config.stateDir, { recursive: true, mode: 0o700 });
  await using open = new AsyncDisposableStack();
  const cluster = await openCluster(config, open);
  const info = await persist('reach the cluster', async () => await cluster.info(signal), { logger, signal });
  const identity = await loadIdentity(config.stateDir);
  const installation = { uid: info.uid, agentVersion: version };
  const { cluster: name } =
    identity.membership() ??
    (await persist('enrol', async () => await joinFleet(identity, { ...installation, token: config.token }, signal), {
      logger,
      signal,
    }));
  open.use(
    startTracing({ service: 'spoke-agent', endpoint: config.otlpEndpoint, attributes: { 'wheelhouse.cluster': name } }),
  );
  const link = open.use(createLink({ identity, logger }, { uid: info.uid, firstDelayMs: maxFirstDelayMs }));
  const agent = open.use(
    await createAgent(
      { cluster, link, logger },
      { stateDir: config.stateDir, info, agentVersion: version, labels: config.labels ?? {} },
    ),
  );
  while (!signal.aborted) {
    if (config.healthFile) await writeFile(config.healthFile, formatHealth(agent, link));
    await sleep(healthIntervalMs, signal);
  }
}

async function openCluster(config: AgentConfig, open: AsyncDisposableStack): Promise<Cluster> {
  const { kubeconfig, context, simulatePort } = config;
  if (!config.simulate) {
    // loaded only where there is a real cluster: it is half of the agent's start and memory
    const { createKubernetesCluster } = await import('./cluster/kubernetes/kubernetes.ts');
    return open.use(createKubernetesCluster({ random: Math.random }, { kubeconfig, context }));
  }
  const cluster = open.use(
    createMemoryCluster({}, { uid: await simulatedUid(config.stateDir), settleMs: simulatedSettleMs }),
  );
  if (simulatePort !== undefined) open.use(await serveMemoryCluster(cluster, simulatePort));
  return cluster;
}

/** A simulated cluster keeps its uid over restarts, as a real one does. */
async function simulatedUid(stateDir: string): Promise<string> {
  const file = join(stateDir, 'simulated-uid');
  const found = (await findFile(file))?.toString().trim();
  if (found) return found;
  const uid = randomUUID();
  await replaceFile(file, uid);
  return uid;
}

async function joinFleet(
  identity: Identity,
  request: Installation & { token: string | undefined },
  signal: AbortSignal,
): Promise<{ cluster: string }> {
  const { token } = request;
  if (token !== undefined) return await enrol(identity, { ...request, token }, signal);
  throw new FleetError(
    'TokenInvalid',
    "this agent is not enrolled: make a token with 'wheelhouse cluster token NAME' and start it with --token",
  );
}

/** Tries again for ever while trying again can help. */
async function persist<T>(
  what: string,
  task: () => Promise<T>,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task();
    } catch (cause) {
      const error = toFleetError(cause);
      if (signal.aborted || !error.retryable) throw error;
      logger.warn({ err: error }, `cannot ${what} yet; trying again`);
      await sleep(backoffMs(attempt, { baseMs: 500, maxMs: maxRetryMs }), signal);
    }
  }
}

function formatHealth(agent: Agent, link: Link): string {
  const health = { at: new Date().toISOString(), link: link.state(), appliedGen: agent.appliedGen() };
  return `${JSON.stringify(health)}\n`;
}
