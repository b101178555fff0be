import { systemClock } from '@wheelhouse/shared/async/clock';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { ClusterInfo } from '../cluster/cluster.ts';
import type { Link } from '../link/link.ts';
import { credentialsOf, startHeartbeats } from './heartbeats.ts';

export interface WaitingOptions {
  info: ClusterInfo;
  agentVersion: string;
  instance: string;
  heartbeatMs?: number;
}

const defaultHeartbeatMs = 30_000;

/** What an agent does whose cluster waits for approval: it says that it is there, and asks for credentials when told to. */
export function startWaiting(deps: { link: Link; logger: Logger }, options: WaitingOptions): Disposable {
  const { link } = deps;
  const { info, agentVersion, instance, heartbeatMs = defaultHeartbeatMs } = options;
  const clock = systemClock;
  const compose = (): Heartbeat => ({
    v: 1,
    cluster: link.cluster,
    uid: info.uid,
    instance,
    pending: true,
    ...credentialsOf(link),
    appliedGen: 0,
    statusDigest: '',
    agentVersion,
    kubernetesVersion: info.kubernetesVersion,
    at: new Date(clock.now()).toISOString(),
  });
  const nothing = () => undefined;
  const told = { onGeneration: nothing, onResend: nothing, onConfirmed: nothing, onRenew: () => link.renewSoon() };
  return startHeartbeats({ ...deps, clock, random: Math.random, compose, ...told }, { intervalMs: heartbeatMs });
}
