// A fleet of hollow spokes and the record of what chaos must never do to it: delete something that nobody asked to
// delete, write a tombstone, or publish a generation that is not higher than the one before.
import { join } from 'node:path';
import { follow } from '@wheelhouse/hub/store/follow';
import { streams } from '@wheelhouse/hub/store/streams';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { parseDocumentKeys } from '@wheelhouse/shared/protocol/document-key';
import { openDocument } from '@wheelhouse/shared/protocol/envelope';
import { enrol } from '@wheelhouse/spoke-agent/link/enrol';
import { loadIdentity } from '@wheelhouse/spoke-agent/link/identity';
import { type HollowSpoke, startHollowSpoke } from '../support/hollow-spoke.ts';
import { connectAsHub, type HubConnection } from '../support/hub-connection.ts';
import type { Platform } from '../support/platform.ts';

/** What every Application of these tests consists of. */
const configMaps = { group: '', version: 'v1', kind: 'ConfigMap' };

export interface Fleet extends AsyncDisposable {
  readonly spokes: readonly HollowSpoke[];
  /** `cluster/name` of every ConfigMap that was deleted on any cluster. */
  readonly deleted: readonly string[];
  /** `cluster/app` of every tombstone of every document, once a document. */
  readonly tombstones: readonly string[];
  /** What documents said against the rules, in words. */
  readonly violations: readonly string[];
  /** Newest generation of each cluster's document. */
  readonly generations: ReadonlyMap<string, number>;
  /** Number of ConfigMaps of each version that run, as `data.version` says. */
  versions(): Promise<Record<string, number>>;
  /** Identity of every ConfigMap: it changes when one is deleted and made again. */
  uids(): Promise<Record<string, string>>;
  /** Takes every message out of one of the hub's streams (KV buckets are streams named `KV_…`). */
  purge(stream: string): Promise<void>;
  /** What a person does for clusters that the hub forgot: a new token for each, with which the running agent enrols. */
  enrolAgain(): Promise<void>;
}

const logger = createLogger({ name: 'chaos', level: 'error' });
const refusal = new FleetError('ClusterUnavailable', 'this cluster deletes nothing at present');

export interface FleetOptions {
  /** `fleet: hollow` unless given. */
  labelsOf?(cluster: string, index: number): Record<string, string>;
  /** Called at once for each ConfigMap that appears or changes. */
  onChanged?(cluster: string, name: string): void;
  /** Called at once for each ConfigMap that is deleted. */
  onDeleted?(cluster: string, name: string): void;
  /** Whether a cluster deletes nothing at present. */
  keeps?(cluster: string): boolean;
}

/** Enrols `names` as clusters, and begins the record. */
export async function startFleet(
  platform: Platform,
  names: readonly string[],
  { labelsOf = () => ({ fleet: 'hollow' }), onChanged, onDeleted, keeps }: FleetOptions = {},
): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const dir = join(platform.dir, 'spokes');
  const tokenOf = async (cluster: string) => {
    const body = { cluster, labels: labelsOf(cluster, names.indexOf(cluster)) };
    return (await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', body)).token;
  };
  const spokes = await mapLimit([...names], 4, async (cluster) =>
    stack.use(
      await startHollowSpoke({
        name: cluster,
        token: await tokenOf(cluster),
        dir,
        intercept: (verb) => (verb === 'remove' && keeps?.(cluster) ? refusal : undefined),
      }),
    ),
  );
  const deleted: string[] = [];
  for (const { name, cluster } of spokes)
    void cluster.watch(
      configMaps,
      watching({
        changed: (object) => onChanged?.(name, object.metadata.name ?? ''),
        removed: (object) => {
          deleted.push(`${name}/${object.metadata.name}`);
          onDeleted?.(name, object.metadata.name ?? '');
        },
      }),
      stop.signal,
    );
  const hub = await connectAsHub(platform, stop.signal);
  stack.use(hub.nats);
  const documents = await watchDocuments(hub, stop.signal);
  const owned = stack.move();
  const all = async () => (await Promise.all(spokes.map(configMapsOf))).flat();
  return {
    spokes,
    deleted,
    ...documents,
    versions: async () => countBy(await all(), ({ object }) => (object['data'] as { version: string }).version),
    uids: async () => Object.fromEntries((await all()).map(({ id, object }) => [id, object.metadata.uid ?? ''])),
    purge: async (stream) => void (await hub.nats.manager.streams.purge(stream)),
    enrolAgain: async () => {
      for (const { name, cluster } of spokes) {
        const { uid } = await cluster.info(stop.signal);
        const identity = await loadIdentity(join(dir, name));
        await enrol(identity, { token: await tokenOf(name), uid, agentVersion: 'hollow' }, stop.signal);
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function configMapsOf({ name, cluster }: HollowSpoke): Promise<{ id: string; object: KubeObject }[]> {
  const objects = await Array.fromAsync(cluster.list(configMaps, AbortSignal.timeout(60_000)));
  return objects.map((object) => ({ id: `${name}/${object.metadata.name}`, object }));
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

function watching(listener: Record<'changed' | 'removed', (object: KubeObject) => void>) {
  const nothing = () => undefined;
  return { listing: nothing, listed: nothing, connected: nothing, failed: nothing, ...listener };
}

/** Reads the stream of documents as a hub does. */
async function watchDocuments(
  hub: HubConnection,
  signal: AbortSignal,
): Promise<Pick<Fleet, 'violations' | 'tombstones' | 'generations'>> {
  const { nats } = hub;
  const keys = parseDocumentKeys(hub.keys);
  const violations: string[] = [];
  const buried: string[] = [];
  const generations = new Map<string, number>();
  const contents = new Map<string, string>();
  const read = async (cluster: string, bytes: Uint8Array) => {
    const page = () => Promise.reject(new Error('these documents need no pages'));
    const { gen, apps, tombstones } = await openDocument(bytes, { cluster, keys, appliedGen: -1, page });
    const before = generations.get(cluster) ?? 0;
    const content = JSON.stringify([gen, apps, tombstones]);
    // a hub that lost its store says again what it said last
    if (gen <= before && content !== contents.get(cluster))
      violations.push(`${cluster}: generation ${gen} came after ${before}`);
    contents.set(cluster, content);
    for (const { app } of tombstones) buried.push(`${cluster}/${app}`);
    generations.set(cluster, gen);
  };
  let reading = Promise.resolve();
  const follower = follow(
    { nats, logger },
    {
      stream: streams.desired,
      onMessage: ({ subject, data }) => {
        const cluster = subject.split('.')[3] ?? '';
        reading = reading
          .then(async () => await read(cluster, data))
          .catch((error: unknown) => void violations.push(`${cluster}: ${String(error)}`));
      },
    },
    signal,
  );
  await follower.loaded();
  return { violations, tombstones: buried, generations };
}
