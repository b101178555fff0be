import { describe, expect, it } from 'vitest';
import { createListings } from './listings.ts';
import { memoryBucket } from './testing/fake-host.ts';

function setUp() {
  const clock = { now: 1_000_000 };
  const bucket = memoryBucket();
  const asked: string[] = [];
  const replica = () => createListings({ bucket, now: () => clock.now });
  const list = async (listings: ReturnType<typeof replica>, query = 'a') =>
    await (await listings.of('argocd.s')).get({ query }, 60_000, () => Promise.resolve(asked.push(query)));
  return { clock, asked, replica, list };
}

describe('listings', () => {
  it('are used again until their interval has passed, by other replicas too', async () => {
    const { clock, asked, replica, list } = setUp();
    await list(replica());
    clock.now += 30_000;
    await list(replica());
    expect(asked).toEqual(['a']);
    clock.now += 30_000;
    await list(replica());
    expect(asked).toEqual(['a', 'a']);
  });

  it('are asked for anew after a webhook', async () => {
    const { clock, asked, replica, list } = setUp();
    const listings = replica();
    await list(listings);
    clock.now += 10;
    await listings.expire('argocd.s');
    clock.now += 10;
    await list(replica());
    await list(replica());
    expect(asked).toEqual(['a', 'a']);
  });

  it('are kept apart by what is asked', async () => {
    const { asked, replica, list } = setUp();
    const listings = replica();
    await list(listings);
    await list(listings, 'b');
    expect(asked).toEqual(['a', 'b']);
  });

  it('keep nothing of a host that failed', async () => {
    const { asked, replica, list } = setUp();
    const listings = replica();
    const failing = (await listings.of('argocd.s')).get({ query: 'a' }, 60_000, () =>
      Promise.reject(new Error('down')),
    );
    await expect(failing).rejects.toThrow('down');
    await list(listings);
    expect(asked).toEqual(['a']);
  });
});
