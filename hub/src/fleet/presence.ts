import type { Msg } from '@nats-io/transport-node';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseHeartbeat } from '@wheelhouse/shared/protocol/heartbeat-schema';
import type { Heartbeat, HeartbeatReply } from '@wheelhouse/shared/protocol/status';
import type { DocumentHead } from '../store/documents.ts';
import { follow } from '../store/follow.ts';
import type { HubNats } from '../store/nats.ts';
import type { StatusFeed } from '../store/status-stream.ts';
import { streams } from '../store/streams.ts';

export interface Heard {
  heartbeat: Heartbeat;
  /** When NATS received it, ms since the epoch. */
  at: number;
}

/** The last heartbeat of each cluster. NATS keeps it in memory, so a hub that starts knows at once who is there. */
export interface Presence {
  find(cluster: string): Heard | undefined;
  /** The cluster has left: what was heard of it does not count for one that takes its name. */
  forget(cluster: string): void;
  /** Clusters heard of since then (ms since the epoch), known to the hub or not. */
  heardSince(at: number): string[];
  loaded(): Promise<void>;
}

/** `onHeartbeat` gets each heartbeat on every replica. The signal ends it. */
export function watchPresence(
  deps: { nats: HubNats; logger: Logger },
  options: { onHeartbeat?(cluster: string, heard: Heard): void },
  signal: AbortSignal,
): Presence {
  const heard = new Map<string, Heard>();
  const follower = follow(
    deps,
    {
      stream: streams.presence,
      onMessage: (message) => {
        const cluster = clusterOf(message.subject);
        const entry = { heartbeat: parseHeartbeat(message.string()), at: message.time.getTime() };
        heard.set(cluster, entry);
        options.onHeartbeat?.(cluster, entry);
      },
    },
    signal,
  );
  return {
    find: (cluster) => heard.get(cluster),
    forget: (cluster) => void heard.delete(cluster),
    heardSince: (since) => [...heard].filter(([, { at }]) => at >= since).map(([cluster]) => cluster),
    loaded: () => follower.loaded(),
  };
}

export interface HeartbeatDeps {
  nats: HubNats;
  logger: Logger;
  head(cluster: string): DocumentHead | undefined;
  feed: Pick<StatusFeed, 'isLoaded' | 'digest' | 'highestSeq'>;
  /** Something about the identity of this cluster changed: its agent should ask for new credentials. */
  shouldRenew?(cluster: string, heartbeat: Heartbeat): boolean;
  /** Called with each heartbeat on one replica only. */
  onAnswered?(cluster: string, heartbeat: Heartbeat): void;
}

/** Answers heartbeats: which generation is newest, and whether the hub lacks a status. Replicas share the work. The signal ends it. */
export function serveHeartbeats(deps: HeartbeatDeps, signal: AbortSignal): void {
  const subscription = deps.nats.connection.subscribe('fleet.v1.up.*.hb', {
    queue: 'hub',
    callback: (_error, message) => answer(deps, message),
  });
  signal.addEventListener('abort', () => subscription.unsubscribe());
}

function answer(deps: HeartbeatDeps, message: Msg): void {
  const cluster = clusterOf(message.subject);
  try {
    const heartbeat = parseHeartbeat(message.string());
    const { statusDigest } = heartbeat;
    const { feed } = deps;
    // '' is said by a spoke that sent statuses a moment ago: they may still be on their way
    const resend = statusDigest !== '' && feed.isLoaded() && feed.digest(cluster) !== statusDigest;
    const reply: HeartbeatReply = {
      gen: deps.head(cluster)?.gen ?? 0,
      resend,
      ...(resend ? { seqFloor: feed.highestSeq(cluster) } : {}),
      ...(deps.shouldRenew?.(cluster, heartbeat) ? { renew: true } : {}),
    };
    message.respond(JSON.stringify(reply));
    deps.onAnswered?.(cluster, heartbeat);
  } catch (error) {
    deps.logger.warn({ err: error, cluster }, 'a heartbeat cannot be read');
  }
}

function clusterOf(subject: string): string {
  return subject.split('.')[3] ?? '';
}
