import type { HydrationRecord, HydrationStore } from './hydration-store.ts';

/** How often at most one branch is made due again, over all replicas. */
const againMs = 10_000;

/** Branches that are to be looked at again whatever else happens, since their records say so: what to do, and how often at most. */
export function branchesDueAgain(
  { hydrations, now }: { hydrations: Pick<HydrationStore, 'list'>; now(): Date },
  enqueue: (stage: 'hydrate', triggers: { key: string }[]) => Promise<void>,
): { name: string; intervalMs: number; run(): Promise<void> }[] {
  const at = now().toISOString();
  const keys = new Set(hydrations.list().flatMap((record) => (isDueAgain(record, at) ? record.branchKey : [])));
  return [...keys].map((key) => ({
    name: `hydrate.${key}`,
    intervalMs: againMs,
    run: async () => await enqueue('hydrate', [{ key }]),
  }));
}

/** It is time to try a refused push again, or what follows a push could not be enqueued. */
function isDueAgain({ retry, follow }: HydrationRecord, at: string): boolean {
  return follow !== undefined || (retry !== undefined && retry.at <= at);
}
