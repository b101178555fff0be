import { sleep } from '@wheelhouse/shared/async/abort';
import type { Platform } from '@wheelhouse/test/support/platform';

interface Listed {
  metadata: { name: string };
  status?: { sync?: { revision?: string } };
}

interface List {
  items: Listed[] | null;
  metadata: { remainingItemCount?: number };
}

/** How many Applications the hub shows as Synced and Healthy, and not stale. */
export async function countSettled(platform: Platform): Promise<number> {
  const { items, metadata } = await platform.api<List>(
    'GET',
    '/api/v1/applications?limit=1&sync=Synced&health=Healthy',
  );
  return (items?.length ?? 0) + (metadata.remainingItemCount ?? 0);
}

/** Waits until the hub shows `count` Applications settled. */
export async function waitSettled(platform: Platform, count: number, timeoutMs = 300_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let settled = 0;
  while (performance.now() < deadline) {
    settled = await countSettled(platform);
    if (settled === count) return;
    await sleep(400);
  }
  throw new Error(`only ${settled} of ${count} Applications were Synced and Healthy after ${timeoutMs / 1000} s`);
}

/** Waits until the hub shows `count` Applications settled at a revision. */
export async function waitRevision(
  platform: Platform,
  target: { revision: string; count: number },
  timeoutMs = 300_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let current = 0;
  while (performance.now() < deadline) {
    // reading all is dear: only when the first is there
    const { items } = await platform.api<List>('GET', '/api/v1/applications?limit=1');
    if (items?.[0]?.status?.sync?.revision === target.revision)
      current = await countRevision(platform, target.revision);
    if (current === target.count) return;
    await sleep(400);
  }
  throw new Error(
    `only ${current} of ${target.count} Applications were at ${target.revision} after ${timeoutMs / 1000} s`,
  );
}

/** How many Applications are Synced and Healthy at a revision, by reading all of them. */
export async function countRevision(platform: Platform, revision: string): Promise<number> {
  let count = 0;
  let next: string | undefined;
  do {
    const page: List & { metadata: { continue?: string } } = await platform.api(
      'GET',
      `/api/v1/applications?limit=2000&sync=Synced&health=Healthy&fields=items.status.sync.revision,metadata.continue${next ? `&continue=${encodeURIComponent(next)}` : ''}`,
    );
    count += (page.items ?? []).filter((item) => item.status?.sync?.revision === revision).length;
    next = page.metadata.continue;
  } while (next);
  return count;
}
