/**
 * Charts of Helm repositories and OCI registries, and OCI artifacts: resolves a version, a tag or a range, downloads and verifies the
 * archive, and shows its files as a snapshot. Archives are kept by digest. It must never run anything of a chart, or send a
 * login to another host than the repository's, unless the source says so (passCredentials).
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { LRUCache } from 'lru-cache';
import { createHttpClient, type HttpClient } from '../http/http-client.ts';
import type { SourceLocation } from '../location.ts';
import { createMemorySnapshot, type MemoryFiles } from '../memory-snapshot.ts';
import type { Repository, Snapshot } from '../source.ts';
import { type ArchiveCache, createArchiveCache } from './archive-cache.ts';
import { createChartIndexes, createChartRepository } from './chart-repository.ts';
import { type Fetcher, formatChart } from './fetcher.ts';
import { createOciCharts } from './oci-charts.ts';
import { isOciUrl } from './oci-reference.ts';
import { unpack } from './unpack.ts';

/** Something downloaded: `revision` for people, and the digest (sha256, hex) of its archive. */
export interface FetchedChart {
  revision: string;
  digest: string;
}

export interface ChartSource {
  /** Resolves the target revision and brings the archive here. */
  fetch(location: SourceLocation, repository: Repository, signal: AbortSignal): Promise<FetchedChart>;
  open(
    location: SourceLocation,
    fetched: FetchedChart & { repository: Repository },
    signal: AbortSignal,
  ): Promise<Snapshot>;
}

export interface ChartSourceOptions {
  directory: string;
  timeoutMs: number;
  /** Of one archive. Argo CD and Helm know no limit; 100 MiB. */
  maxArchiveBytes?: number;
  /** Of unpacked charts kept in memory; 256 MiB. */
  maxSnapshotBytes?: number;
  now?: () => number;
}

/** Whether a source is read from a Helm repository or a registry, rather than from Git. */
export function isChartLocation({ chart, repoURL }: SourceLocation): boolean {
  return Boolean(chart) || repoURL.startsWith('oci://');
}

export function createChartSource(options: ChartSourceOptions): ChartSource & AsyncDisposable {
  const { directory, timeoutMs, maxArchiveBytes = 100 << 20, now = Date.now } = options;
  const cache = createArchiveCache({ directory });
  const snapshots = new LRUCache<string, { snapshot: Snapshot; bytes: number }>({
    maxSize: options.maxSnapshotBytes ?? 256 << 20,
    sizeCalculation: ({ bytes }) => bytes,
  });
  // one that is let go may still be downloading: its connections close when they are idle
  const clients = new LRUCache<string, { http: HttpClient; fetcher: Fetcher }>({ max: 200 });
  const indexes = createChartIndexes();

  const fetcherOf = (repository: Repository): Fetcher => {
    const isOci = repository.enableOci === true || isOciUrl(repository.url);
    const key = JSON.stringify([repository, isOci]);
    const known = clients.get(key);
    if (known) return known.fetcher;
    const http = createHttpClient({ credentials: repository.credentials, timeoutMs });
    const limits = { maxArchiveBytes, now, indexes };
    const fetcher = isOci ? createOciCharts(http, repository, limits) : createChartRepository(http, repository, limits);
    clients.set(key, { http, fetcher });
    return fetcher;
  };

  const bring = createBring(cache);
  const named = createNames();
  return {
    fetch: async (location, repository, signal) => {
      const fetcher = fetcherOf(repository);
      const { revision, digest: told } = await fetcher.resolve(location, signal);
      const digest = told ?? named.find(location, revision);
      const brought = await bring(location, { revision, fetcher, ...(digest ? { digest } : {}) }, signal);
      named.keep(location, revision, brought.digest);
      return { revision, digest: brought.digest };
    },
    open: async (location, { revision, digest, repository }, signal) => {
      const key = `${digest} ${location.chart ?? ''} ${revision}`;
      const known = snapshots.get(key);
      if (known) return known.snapshot;
      const { archive } = await bring(location, { revision, digest, fetcher: fetcherOf(repository) }, signal);
      const unpacked = await unpack(
        archive,
        {
          what: `${formatChart(location)} ${revision}`,
          stripRoot: Boolean(location.chart),
          gzip: isGzip(archive),
        },
        signal,
      );
      const files = location.chart ? unpacked : withoutChartRoot(unpacked);
      const snapshot = createMemorySnapshot(files, revision);
      snapshots.set(key, { snapshot, bytes: sizeOf(files) });
      return snapshot;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { http } of clients.values()) await http[Symbol.asyncDispose]();
    },
  };
}

/** The archive from the cache, else from where it is; verified against the digest that is known of it. */
function createBring(cache: ArchiveCache) {
  return async (
    location: SourceLocation,
    wanted: { revision: string; digest?: string; fetcher: Fetcher },
    signal: AbortSignal,
  ): Promise<{ archive: Buffer; digest: string }> => {
    const known = wanted.digest === undefined ? undefined : await cache.find(wanted.digest);
    if (known && wanted.digest !== undefined) return { archive: known, digest: wanted.digest };
    const archive = await wanted.fetcher.download(location, wanted.revision, signal);
    const digest = await cache.put(archive);
    if (wanted.digest !== undefined && digest !== wanted.digest)
      throw new FleetError(
        'DigestMismatch',
        `${formatChart(location)} ${wanted.revision} has the digest ${digest}, where ${wanted.digest} was expected`,
      );
    return { archive, digest };
  };
}

/** A repository without digests in its index: an archive of a version is downloaded once a process. */
function createNames() {
  const digests = new LRUCache<string, string>({ max: 10_000 });
  const keyOf = ({ repoURL, chart }: SourceLocation, revision: string) => `${repoURL}\n${chart ?? ''}\n${revision}`;
  return {
    find: (location: SourceLocation, revision: string) => digests.get(keyOf(location, revision)),
    keep: (location: SourceLocation, revision: string, digest: string) =>
      void digests.set(keyOf(location, revision), digest),
  };
}

function isGzip(archive: Buffer): boolean {
  return archive[0] === 0x1f && archive[1] === 0x8b;
}

/** A chart that is named as an artifact (`oci://host/chart`, no `chart`) lies in a folder of its name. */
function withoutChartRoot(files: MemoryFiles): MemoryFiles {
  const names = Object.keys(files);
  const [root = '', ...others] = new Set(names.map((file) => file.split('/')[0]));
  if (others.length > 0 || !names.includes(`${root}/Chart.yaml`)) return files;
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name.slice(root.length + 1), content]));
}

/** What a snapshot of them takes, with what it knows of each file. */
function sizeOf(files: MemoryFiles): number {
  let bytes = 1_024;
  for (const [name, content] of Object.entries(files)) bytes += lengthOf(content) + 2 * name.length + 512;
  return bytes;
}

function lengthOf(content: MemoryFiles[string]): number {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return content.length;
  return 'link' in content ? content.link.length : content.executable.length;
}
