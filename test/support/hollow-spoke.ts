import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { createMemoryCluster, type MemoryCluster } from '@wheelhouse/spoke-agent/cluster/memory/memory';
import { enrol } from '@wheelhouse/spoke-agent/link/enrol';
import { loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { startMember } from '@wheelhouse/spoke-agent/member';

export interface HollowSpokeOptions {
  name: string;
  /** Enrolment token. */
  token: string;
  /** Where its state is kept, in a folder of its name. */
  dir: string;
  /** Its first connection comes at random within this time; 0 unless given. */
  firstDelayMs?: number;
}

/** A spoke within this process. */
export interface HollowSpoke extends AsyncDisposable {
  readonly name: string;
  readonly cluster: MemoryCluster;
}

const agentVersion = 'hollow';
const logger = createLogger({ name: 'hollow-spoke', level: process.env['LOG_LEVEL'] ?? 'error' });

/** Enrols and starts the real agent with its link over a simulated cluster; many fit in one process. */
export async function startHollowSpoke(options: HollowSpokeOptions): Promise<HollowSpoke> {
  const { name, token, firstDelayMs = 0 } = options;
  await using stack = new AsyncDisposableStack();
  const stateDir = join(options.dir, name);
  await mkdir(stateDir, { recursive: true });
  const signal = AbortSignal.timeout(120_000);
  const cluster = stack.use(createMemoryCluster());
  const info = await cluster.info(signal);
  const identity = await loadIdentity(stateDir);
  await enrol(identity, { token, uid: info.uid, agentVersion }, signal);
  stack.use(await startMember({ cluster, identity, logger }, { stateDir, info, agentVersion, link: { firstDelayMs } }));
  const owned = stack.move();
  return { name, cluster, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
