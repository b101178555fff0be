import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryOptions,
} from '@wheelhouse/spoke-agent/cluster/memory/memory';
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
  heartbeatMs?: number;
  /** Whether its cluster refuses a request. */
  intercept?: MemoryOptions['intercept'];
}

/** A spoke within this process. */
export interface HollowSpoke extends AsyncDisposable {
  readonly name: string;
  readonly cluster: MemoryCluster;
  linkState(): string;
  appliedGen(): number;
  /** Starts the agent again with another token, over the same cluster and state. */
  restart(token: string): Promise<void>;
}

const agentVersion = 'hollow';
const logger = createLogger({ name: 'hollow-spoke', level: process.env['LOG_LEVEL'] ?? 'error' });

/** Enrols and starts the real agent with its link over a simulated cluster; many fit in one process. */
export async function startHollowSpoke(options: HollowSpokeOptions): Promise<HollowSpoke> {
  const { name, firstDelayMs = 0, heartbeatMs, intercept } = options;
  await using stack = new AsyncDisposableStack();
  const stateDir = join(options.dir, name);
  await mkdir(stateDir, { recursive: true });
  const cluster = stack.use(createMemoryCluster({}, intercept ? { intercept } : {}));
  const info = await cluster.info(AbortSignal.timeout(120_000));
  const start = async (token: string) => {
    const identity = await loadIdentity(stateDir);
    await enrol(identity, { token, uid: info.uid, agentVersion }, AbortSignal.timeout(120_000));
    const beat = heartbeatMs === undefined ? {} : { heartbeatMs };
    return await startMember(
      { cluster, identity, logger },
      { stateDir, info, agentVersion, link: { firstDelayMs }, ...beat },
    );
  };
  let member = await start(options.token);
  stack.defer(async () => await member[Symbol.asyncDispose]());
  const owned = stack.move();
  return {
    name,
    cluster,
    linkState: () => member.linkState(),
    appliedGen: () => member.appliedGen(),
    restart: async (token) => {
      await member[Symbol.asyncDispose]();
      member = await start(token);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
