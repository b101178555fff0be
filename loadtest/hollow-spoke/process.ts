// Many hollow spokes in one process: the real agent and link, real NATS connections, memory clusters.
// Inputs by IPC: `{tokens, dir}`; tells `ready` once all are enrolled, and answers `agents` with what they have applied.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { type Agent, createAgent } from '@wheelhouse/spoke-agent/agent';
import { createMemoryCluster } from '@wheelhouse/spoke-agent/cluster/memory/memory';
import { enrol } from '@wheelhouse/spoke-agent/link/enrol';
import { loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { createLink } from '@wheelhouse/spoke-agent/link/link';

interface Start {
  /** Enrolment token of each cluster, by name. */
  tokens: Record<string, string>;
  dir: string;
}

const agentVersion = 'hollow';
const logger = createLogger({ name: 'hollow-spoke', level: process.env['LOG_LEVEL'] ?? 'error' });

async function startAgent(name: string, token: string, dir: string): Promise<Agent> {
  const stateDir = join(dir, name);
  await mkdir(stateDir, { recursive: true });
  const signal = AbortSignal.timeout(120_000);
  const cluster = createMemoryCluster();
  const info = await cluster.info(signal);
  const identity = await loadIdentity(stateDir);
  await enrol(identity, { token, uid: info.uid, agentVersion }, signal);
  const link = createLink({ identity, logger }, { uid: info.uid, firstDelayMs: 2_000 });
  return await createAgent({ cluster, link, logger }, { stateDir, info, agentVersion });
}

process.on('message', (message: Start) => {
  void mapLimit(
    Object.entries(message.tokens),
    8,
    async ([name, token]) => await startAgent(name, token, message.dir),
  ).then(
    () => process.send?.('ready'),
    (error: unknown) => {
      process.stderr.write(`hollow spokes: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
