import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseEnrolmentToken } from '@wheelhouse/shared/protocol/enrolment-token';
import { startTracing } from '@wheelhouse/shared/telemetry/tracing';
import type { Cluster } from './cluster/cluster.ts';
import { createMemoryCluster } from './cluster/memory/memory.ts';
import { serveMemoryCluster } from './cluster/memory/serve.ts';
import { type AgentConfig, redactAgentConfig } from './config.ts';
import { enrol, type Installation } from './link/enrol.ts';
import { type Identity, loadIdentity } from './link/identity.ts';
import { type Member, startMember } from './member.ts';
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
  const { cluster: name } = await beMember(identity, { config, uid: info.uid, logger, signal });
  open.use(
    startTracing({ service: 'spoke-agent', endpoint: config.otlpEndpoint, attributes: { 'wheelhouse.cluster': name } }),
  );
  const member = open.use(
    await startMember(
      { cluster, identity, logger },
      {
        stateDir: config.stateDir,
        info,
        agentVersion: version,
        labels: config.labels ?? {},
        orphansIntervalMs: config.orphansInterval,
        link: { firstDelayMs: maxFirstDelayMs },
      },
    ),
  );
  while (!signal.aborted) {
    if (config.healthFile) await writeHealth(config.healthFile, { member, logger });
    await sleep(healthIntervalMs, signal);
  }
}

/** A disk that is full shows as unhealthy; it must not end the healing. */
async function writeHealth(file: string, { member, logger }: { member: Member; logger: Logger }): Promise<void> {
  await writeFile(file, formatHealth(member)).catch((error: unknown) => {
    logger.error({ err: toFleetError(error), file }, 'cannot write the health file');
  });
}

interface Joining {
  config: AgentConfig;
  uid: string;
  logger: Logger;
  signal: AbortSignal;
}

/** Joins with the token unless it has joined with that one before. A member whose new token is refused stays what it was. */
async function beMember(identity: Identity, joining: Joining): Promise<{ cluster: string }> {
  const { config, uid, logger } = joining;
  const known = identity.membership();
  if (known && (config.token === undefined || known.tokenId === parseEnrolmentToken(config.token).id)) return known;
  const { clusterName, labels } = config;
  const installation: Installation = { uid, agentVersion: version, name: clusterName, labels };
  const join = async () => await joinFleet(identity, { ...installation, token: config.token }, joining.signal);
  try {
    return await persist('enrol', join, joining);
  } catch (error) {
    if (!known || joining.signal.aborted) throw error;
    logger.warn({ err: error, cluster: known.cluster }, 'the new token was refused; going on as the member that it is');
    return known;
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

function formatHealth(member: Member): string {
  const health = { at: new Date().toISOString(), link: member.linkState(), appliedGen: member.appliedGen() };
  return `${JSON.stringify(health)}\n`;
}
