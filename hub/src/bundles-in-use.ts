import { formatJson } from '@wheelhouse/shared/kube/json';
import { bundlesOf } from './render/lost-bundles.ts';
import type { Statuses } from './status/statuses.ts';
import type { StoredDocument } from './store/documents.ts';
import type { Stores } from './store/open-stores.ts';

export interface BundlesInUseDeps {
  stores: {
    derived: Pick<Stores['derived'], 'renders'>;
    documents: Pick<Stores['documents'], 'loaded' | 'clusters' | 'find'>;
    records: { plans: { list(): readonly unknown[] } };
    rollouts: { list(): readonly unknown[] };
  };
  statuses: Pick<Statuses, 'ofCluster'>;
}

/**
 * Digests of all bundles, and of pages of documents, that something may ask for: the newest render of each request, what
 * clusters are assigned and say that they run, and what rollouts and plans may return to.
 */
export async function bundlesInUse({ stores, statuses }: BundlesInUseDeps): Promise<Set<string>> {
  const { derived, documents, records, rollouts } = stores;
  const used = new Set<string>();
  await documents.loaded();
  for (const cluster of documents.clusters()) {
    for (const digest of digestsIn(await documents.find(cluster))) used.add(digest);
    for (const { bundle } of statuses.ofCluster(cluster)) if (bundle) used.add(bundle);
  }
  // records say in many places what they may return to
  for (const record of [...rollouts.list(), ...records.plans.list()])
    for (const [digest] of formatJson(record).matchAll(/sha256:[0-9a-f]{64}/gu)) used.add(digest);
  // last: whatever was rendered while documents were read counts
  for (const digest of derived.renders().flatMap(bundlesOf)) used.add(digest);
  return used;
}

function digestsIn(stored: StoredDocument | undefined): string[] {
  if (!stored) return [];
  return [...(stored.page ? [stored.page] : []), ...stored.document.apps.map(({ bundle }) => bundle)];
}
