import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { LRUCache } from 'lru-cache';
import { type HttpAnswer, type HttpClient, withoutLogin } from '../http/http-client.ts';
import type { SourceLocation } from '../location.ts';
import type { Repository } from '../source.ts';
import { type ChartVersion, parseChartIndex } from './chart-index.ts';
import { chooseVersion } from './choose-version.ts';
import { type Fetcher, formatChart } from './fetcher.ts';

/** An index above this is refused; Bitnami's has 20 MB. */
const maxIndexBytes = 64 << 20;

export interface ChartIndex {
  text: string;
  etag: string | undefined;
  /** Of the charts that were asked for. */
  versions: Map<string, ChartVersion[]>;
}

/** The indexes of all repositories that are kept in memory. */
export type ChartIndexes = LRUCache<symbol, ChartIndex>;

/** Bounded by the length of the indexes; what is read out of one is a part of it. */
export function createChartIndexes(maxSize = 128 << 20): ChartIndexes {
  return new LRUCache({ maxSize, sizeCalculation: ({ text }) => text.length + 1024 });
}

/** A Helm repository over HTTP: `index.yaml` and archives. The index is asked for again only when it changed (ETag). */
export function createChartRepository(
  http: HttpClient,
  repository: Repository,
  { maxArchiveBytes, indexes }: { maxArchiveBytes: number; indexes: ChartIndexes },
): Fetcher {
  const base = repository.url.replace(/\/*$/u, '/');
  const versionsOf = createIndexReader(http, indexes, {
    base,
    what: `index of chart repository ${withoutLogin(repository.url)}`,
  });

  const find = async (location: SourceLocation, revision: string, signal: AbortSignal): Promise<ChartVersion> => {
    const versions = await versionsOf(location.chart ?? '', signal);
    const chosen = chooseVersion(
      versions.map(({ version }) => version),
      revision,
      formatChart(location),
    );
    const found = versions.find(({ version }) => version === chosen);
    if (!found) throw new FleetError('RevisionNotFound', `${formatChart(location)} has no version ${revision}`);
    return found;
  };

  return {
    resolve: async (location, signal) => {
      const { version, digest } = await find(location, location.targetRevision, signal);
      return { revision: version, ...(digest ? { digest } : {}) };
    },
    download: async (location, revision, signal) => {
      const { urls } = await find(location, revision, signal);
      const [first] = urls;
      if (first === undefined)
        throw new FleetError('RevisionNotFound', `${formatChart(location)} ${revision} has no URL in its index`);
      const url = new URL(first, base).href;
      if (!/^https?:\/\//u.test(url))
        throw new FleetError(
          'Unsupported',
          `${formatChart(location)} ${revision} lies at ${withoutLogin(url)}: only http and https are read`,
        );
      const answer = await http.send(
        {
          url,
          maxBytes: maxArchiveBytes,
          origin: new URL(base).origin,
          ...(location.passCredentials ? { passCredentials: true } : {}),
        },
        signal,
      );
      refuse(answer, `${formatChart(location)} ${revision} at ${withoutLogin(url)}`);
      return answer.body;
    },
  };
}

/** Versions of a chart; the index is read again only when the server says that it changed. */
function createIndexReader(http: HttpClient, indexes: ChartIndexes, { base, what }: { base: string; what: string }) {
  const url = new URL('index.yaml', base).href;
  // who may read it is told by the login, so that no other client is given what this one read
  const key = Symbol(url);

  async function readIndex(signal: AbortSignal): Promise<ChartIndex> {
    const known = indexes.get(key);
    const headers = known?.etag === undefined ? {} : { 'if-none-match': known.etag };
    const answer = await http.send({ url, maxBytes: maxIndexBytes, headers }, signal);
    if (answer.status === 304 && known) return known;
    refuse(answer, what);
    const index = { text: answer.body.toString(), etag: answer.headers['etag'], versions: new Map() };
    indexes.set(key, index);
    return index;
  }

  return async (chart: string, signal: AbortSignal): Promise<ChartVersion[]> => {
    const { text, versions } = await readIndex(signal);
    const found = versions.get(chart) ?? (await parseChartIndex(text, { chart, what }, signal));
    versions.set(chart, found);
    return found;
  };
}

function refuse(answer: HttpAnswer, what: string): void {
  if (answer.status === 200) return;
  if (answer.status === 401 || answer.status === 403)
    throw new FleetError(
      'RepositoryAuthentication',
      `${what} is refused with ${answer.status}; check the credentials in its repository Secret (type helm)`,
    );
  throw new FleetError(
    'RepositoryUnreachable',
    `${what} cannot be had: the server answers ${answer.status}; check its URL`,
  );
}
