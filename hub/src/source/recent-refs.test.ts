import { beforeEach, describe, expect, it } from 'vitest';
import { createRecentRefs, type RecentRefs } from './recent-refs.ts';
import type { RefList } from './refs.ts';

const signal = new AbortController().signal;
const repository = { url: 'https://git.example/team/app.git' };

describe('createRecentRefs', () => {
  let now = 0;
  let asked: { url: string; answer(head: string): void; fail(): void }[] = [];
  let refs: RecentRefs;

  beforeEach(() => {
    now = 0;
    asked = [];
    refs = createRecentRefs({
      now: () => now,
      git: {
        listRefs: async ({ url }) =>
          await new Promise<RefList>((resolve, reject) => {
            const answer = (head: string) => resolve({ head, refs: new Map() });
            asked.push({ url, answer, fail: () => reject(new Error('away')) });
          }),
      },
    });
  });

  const settle = async () => await new Promise((resolve) => setImmediate(resolve));
  const known = async (head: string) => {
    const first = refs.recent(repository, signal);
    await settle();
    asked.at(-1)?.answer(head);
    await first;
  };

  it('asks once for all who want to know within a few seconds', async () => {
    const both = Promise.all([refs.recent(repository, signal), refs.recent(repository, signal)]);
    await settle();
    expect(asked).toHaveLength(1);
    now = 2_000;
    asked[0]?.answer('one');
    expect(await both).toMatchObject([{ head: 'one' }, { head: 'one' }]);
    now = 4_999;
    expect(await refs.recent(repository, signal)).toMatchObject({ head: 'one' });
    now = 5_000;
    void refs.recent(repository, signal);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['another repository', { url: 'https://git.example/other.git' }],
    ['another login', { ...repository, credentials: { password: 'x' } }],
  ])('asks again for %s', async (_name, other) => {
    await known('one');
    void refs.recent(other, signal);
    await settle();
    expect(asked.map(({ url }) => url)).toEqual([repository.url, other.url]);
  });

  it('asks anew when told to, once for all who come meanwhile, and remembers it', async () => {
    await known('one');
    const first = refs.fresh(repository, signal);
    await settle();
    const later = Promise.all([refs.fresh(repository, signal), refs.fresh(repository, signal)]);
    asked[1]?.answer('two');
    expect(await first).toMatchObject({ head: 'two' });
    await settle();
    expect(asked).toHaveLength(3);
    asked[2]?.answer('three');
    expect(await later).toMatchObject([{ head: 'three' }, { head: 'three' }]);
    expect(await refs.recent(repository, signal)).toMatchObject({ head: 'three' });
  });

  it('does not let a slow old answer replace a newer one', async () => {
    const slow = refs.recent(repository, signal);
    await settle();
    now = 10;
    const quick = refs.fresh(repository, signal);
    await settle();
    asked[1]?.answer('new');
    await quick;
    asked[0]?.answer('old');
    expect(await slow).toMatchObject({ head: 'old' });
    expect(await refs.recent(repository, signal)).toMatchObject({ head: 'new' });
  });

  it('remembers no failure', async () => {
    const first = refs.recent(repository, signal);
    await settle();
    asked[0]?.fail();
    await expect(first).rejects.toThrow('away');
    await known('one');
    expect(await refs.recent(repository, signal)).toMatchObject({ head: 'one' });
  });
});
