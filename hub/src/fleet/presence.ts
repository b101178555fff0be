import type { Msg } from '@nats-io/transport-node';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseHeartbeat } from '@wheelhouse/shared/protocol/heartbeat-schema';
import type { Heartbeat, HeartbeatReply } from '@wheelhouse/shared/protocol/status';
import type { DocumentHead } from '../store/documents.ts';
import { follow } from '../store/follow.ts';
import type { HubNats } from '../store/nats.ts';
import type { StatusFeed } from '../store/status-stream.ts';
import { streams } from '../store/streams.ts';
import { createRateLimit } from './rate-limit.ts';

export interface Heard {
  heartbeat: Heartbeat;
  /** When NATS received it, ms since the epoch. */
  at: number;
}

/** The last heartbeat of each cluster. A stream keeps the last one, so a hub that starts knows at once who was there, and when. */
export interface Presence {
  find(cluster: string): Heard | undefined;
  /** The cluster has left: what was heard of it does not count for one that takes its name. */
  forget(cluster: string): void;
  /** The cluster has another name: what was heard of it counts for that one. */
  carry(cluster: string, name: string): void;
  /** Clusters heard of since then (ms since the epoch), known to the hub or not. */
  heardSince(at: number): string[];
  loaded(): Promise<void>;
}

export interface PresenceOptions {
  /** Gets each heartbeat, on every replica. */
  onHeartbeat?(cluster: string, heard: Heard): void;
  /** One that cannot be read, or speaks for another cluster. */
  onRefused?(cluster: string, reason: string): void;
}

/** The signal ends it. */
export function watchPresence(
  deps: { nats: HubNats; logger: Logger },
  options: PresenceOptions,
  signal: AbortSignal,
): Presence {
  const heard = new Map<string, Heard>();
  const isWithinLimit = createRateLimit({ burst: 50, perSecond: 10 });
  const follower = follow(
    deps,
    {
      stream: streams.presence,
      onMessage: (message) => {
        const cluster = clusterOf(message.subject);
        // a flood costs no more than looking at its subject
        if (!isWithinLimit(cluster)) return;
        const heartbeat = readHeartbeat(cluster, message.string(), options);
        if (!heartbeat) return;
        const entry = { heartbeat, at: message.time.getTime() };
        heard.set(cluster, entry);
        options.onHeartbeat?.(cluster, entry);
      },
    },
    signal,
  );
  return {
    find: (cluster) => heard.get(cluster),
    forget: (cluster) => void heard.delete(cluster),
    carry: (cluster, name) => {
      const [last, there] = [heard.get(cluster), heard.get(name)];
      if (last && (!there || there.at < last.at)) heard.set(name, last);
      heard.delete(cluster);
    },
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
  // an agent sends one every 30 s, and one for each connection
  const isWithinLimit = createRateLimit({ burst: 50, perSecond: 10 });
  const subscription = deps.nats.connection.subscribe('fleet.v1.up.*.hb', {
    queue: 'hub',
    callback: (_error, message) => {
      if (isWithinLimit(message.subject)) answer(deps, message);
    },
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
    deps.logger.debug({ err: error, cluster }, 'a heartbeat cannot be read');
  }
}

function readHeartbeat(
  cluster: string,
  text: string,
  { onRefused }: Pick<PresenceOptions, 'onRefused'>,
): Heartbeat | undefined {
  try {
    const heartbeat = parseHeartbeat(text);
    if (heartbeat.cluster === cluster) return heartbeat;
    onRefused?.(cluster, `a heartbeat in the name of ${heartbeat.cluster}`);
  } catch (error) {
    onRefused?.(cluster, error instanceof Error ? error.message : String(error));
  }
  return undefined;
}

function clusterOf(subject: string): string {
  return subject.split('.')[3] ?? '';
}
