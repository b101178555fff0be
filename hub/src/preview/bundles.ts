import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { LRUCache } from 'lru-cache';
import type { IndexedApplication } from '../assign/applications.ts';
import { factsOf } from '../assign/render-request.ts';
import { openPermitted } from '../render/permitted.ts';
import type { Renderer, RenderRecord } from '../render/render.ts';
import { locationOf } from '../source/location.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Derived } from '../store/derived.ts';
import type { Overlay } from './overlay.ts';
import { previewedPart } from './previewed-part.ts';

export interface BundlesDeps {
  derived: Pick<Derived, 'render'>;
  blobs: Pick<BlobStore, 'get'>;
  renderer: Pick<Renderer, 'render' | 'requestKey' | 'stillValid'>;
}

export interface Bundle {
  digest: string;
  manifests: readonly KubeObject[];
}

/** Bundles of Applications, now and with the overlay; each is read or rendered once, however many share it. */
export interface Bundles {
  /** The last good one; undefined where there is none. */
  before(app: IndexedApplication): Promise<Bundle | undefined>;
  /** Throws as renders do. */
  after(app: IndexedApplication): Promise<Bundle>;
  /** Whether what is known of the Application's render still holds with the overlay. */
  isSame(app: IndexedApplication): Promise<boolean>;
}

/** Bundles held at a time: what many Applications share is compared once. */
const heldBundles = 200;

export function createBundles(overlay: Overlay, deps: BundlesDeps, signal: AbortSignal): Bundles {
  const read = new LRUCache<string, Promise<Bundle>>({ max: heldBundles });
  const rendered = new LRUCache<string, Promise<Bundle>>({ max: heldBundles });
  const judged = new Map<string, Promise<boolean>>();
  const outcomeOf = (app: IndexedApplication) => {
    const { request } = previewedPart(app, overlay);
    return request && deps.derived.render(request.key);
  };

  const render = async (whole: IndexedApplication): Promise<Bundle> => {
    const app = previewedPart(whole, overlay);
    const sources = await Promise.all(
      app.sources.map(async (source) => ({ source, snapshot: await overlay.open(locationOf(source), signal) })),
    );
    const facts = app.request?.facts ?? factsOf(app.application);
    const key = await deps.renderer.requestKey({ sources, facts }, signal);
    // what may be read besides the sources is up to the project
    return await once(rendered, `${key} ${app.application.spec.project}`, async () => {
      const open = openPermitted(overlay.open, app.sources, () => [app]);
      const { digest, manifests } = await deps.renderer.render({ sources, facts, open }, signal);
      return { digest, manifests };
    });
  };
  const holds = async (record: RenderRecord, app: IndexedApplication) =>
    await deps.renderer.stillValid(
      record,
      openPermitted(overlay.open, app.sources, () => [app]),
      signal,
    );

  return {
    before: async (app) => {
      const digest = outcomeOf(app)?.record?.digest;
      if (digest === undefined) return undefined;
      return await once(read, digest, async () => {
        const manifests = parseJson(Buffer.from(await deps.blobs.get(digest)).toString()) as KubeObject[];
        return { digest, manifests };
      });
    },
    after: render,
    isSame: async (app) => {
      const outcome = outcomeOf(app);
      if (!outcome?.record || outcome.problem) return false;
      const { record, requestKey } = outcome;
      const key = `${requestKey} ${app.application.spec.project}`;
      const verdict = judged.get(key) ?? holds(record, previewedPart(app, overlay)).catch(() => false);
      judged.set(key, verdict);
      return await verdict;
    },
  };
}

async function once(
  cache: LRUCache<string, Promise<Bundle>>,
  key: string,
  make: () => Promise<Bundle>,
): Promise<Bundle> {
  const found = cache.get(key) ?? make();
  cache.set(key, found);
  return await found;
}
