import { blobName } from '@wheelhouse/shared/protocol/blob';
import { describe, expect, it } from 'vitest';
import { logger } from '../testing/hub-state.ts';
import { deleteUnusedBundles } from './unused-bundles.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const { signal } = new AbortController();

/** What is deleted of bundles that are old enough, where these are in use. */
async function run({
  old,
  inUse,
  isTurn = true,
}: {
  old: string[];
  inUse: () => Promise<Set<string>>;
  isTurn?: boolean;
}) {
  const names = new Map(old.map((letter) => [blobName(digest(letter)), letter]));
  const deleted: string[] = [];
  const asked: Date[] = [];
  const deps = {
    logger,
    queue: { once: async () => isTurn },
    blobs: {
      storedBefore: async (time: Date) => {
        asked.push(time);
        return new Set(names.keys());
      },
      delete: async (name: string) => void deleted.push(names.get(name) ?? name),
    },
    bundlesInUse: inUse,
    now: () => new Date('2026-01-02T00:00:00Z'),
  };
  const outcome = await deleteUnusedBundles(deps, 3_600_000, signal).catch((error: unknown) => error);
  return { deleted: deleted.toSorted(), asked, outcome };
}

describe('bundles that nothing names', () => {
  it('are deleted once they are old', async () => {
    const { deleted, asked } = await run({
      old: ['a', 'b', 'c'],
      inUse: async () => new Set([digest('b'), digest('f')]),
    });
    expect(deleted).toEqual(['a', 'c']);
    expect(asked).toEqual([new Date('2026-01-01T23:00:00Z')]);
  });

  it('stay while it is not known what is in use', async () => {
    const { deleted, outcome } = await run({
      old: ['a', 'b', 'c'],
      inUse: () => Promise.reject(new Error('nats is down')),
    });
    expect([deleted, outcome]).toEqual([[], new Error('nats is down')]);
  });

  it('are looked at by one replica at a time', async () => {
    const { asked } = await run({ old: ['a'], inUse: async () => new Set(), isTurn: false });
    expect(asked).toEqual([]);
  });
});
