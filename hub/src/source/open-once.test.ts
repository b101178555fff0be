import { expect, it } from 'vitest';
import type { SourceLocation } from './location.ts';
import { createMemorySnapshot } from './memory-snapshot.ts';
import { openOnce } from './open-once.ts';

const { signal } = new AbortController();
const locationOf = (targetRevision: string): SourceLocation => ({
  repoURL: 'https://git.example.com/shop.git',
  targetRevision,
});

function setUp() {
  const seen: string[] = [];
  const opened = openOnce(async ({ targetRevision }) => {
    seen.push(`open ${targetRevision}`);
    await Promise.resolve();
    if (targetRevision === 'gone') throw new Error('there is no such branch');
    const close = () => void seen.push(`close ${targetRevision}`);
    return { ...createMemorySnapshot({}), [Symbol.dispose]: close };
  });
  return { seen, opened };
}

it('opens each location once, also for those who ask at the same time', async () => {
  const { seen, opened } = setUp();
  const asked = ['main', 'main', 'next'].map(async (revision) => await opened.open(locationOf(revision), signal));
  const [first, second] = await Promise.all(asked);
  expect(second).toBe(first);
  expect(await opened.open(locationOf('main'), signal)).toBe(first);
  expect(seen).toEqual(['open main', 'open next']);
});

it('closes all, those too that are still being opened, whatever became of others', async () => {
  const { seen, opened } = setUp();
  await opened.open(locationOf('main'), signal);
  await expect(opened.open(locationOf('gone'), signal)).rejects.toThrow('there is no such branch');
  const late = opened.open(locationOf('next'), signal);
  opened[Symbol.dispose]();
  await late;
  expect(seen.filter((what) => what.startsWith('close')).sort()).toEqual(['close main', 'close next']);
});
