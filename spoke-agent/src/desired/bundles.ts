import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Link } from '../link/link.ts';
import type { BundleFiles } from './bundle-files.ts';
import type { Rejections } from './rejections.ts';

/** Bundles from disk or, the first time, from the hub. */
export interface Bundles {
  /** Content by digest. Throws DigestMismatch, NotFound, TransportUnavailable after some attempts. */
  content(digest: string): Promise<Buffer>;
  manifests(digest: string): Promise<KubeObject[]>;
}

export interface BundlesDeps {
  link: Pick<Link, 'blob'>;
  files: BundleFiles;
  rejections: Rejections;
}

const parallelFetches = 8;
const attempts = 4;

export function createBundles(deps: BundlesDeps, signal: AbortSignal): Bundles {
  const { files } = deps;
  const limit = createLimit(parallelFetches);
  const underway = new Map<string, Promise<Buffer>>();
  const load = async (digest: string): Promise<Buffer> => {
    const kept = await files.find(digest);
    if (kept) return kept;
    const fetched = await limit(() => fetchBundle(deps, digest, signal));
    await files.save(digest, fetched);
    return fetched;
  };
  const content = (digest: string): Promise<Buffer> => {
    const shared = underway.get(digest);
    if (shared) return shared;
    const loading = load(digest).finally(() => underway.delete(digest));
    underway.set(digest, loading);
    return loading;
  };
  return { content, manifests: async (digest) => parseJson((await content(digest)).toString()) as KubeObject[] };
}

async function fetchBundle({ link, rejections }: BundlesDeps, digest: string, signal: AbortSignal): Promise<Buffer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await link.blob(digest, signal);
    } catch (cause) {
      const error = toFleetError(cause, 'TransportUnavailable');
      if (isFleetError(error, 'DigestMismatch')) rejections.add(error);
      if (signal.aborted || !error.retryable || attempt === attempts) throw error;
      await sleep(backoffMs(attempt, { baseMs: 250, maxMs: 5_000 }), signal);
    }
  }
}
