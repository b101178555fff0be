import { describe, expect, it, vi } from 'vitest';
import type { Bucket, BucketChange } from '../bucket.ts';

/** What every adapter of the port must do; `open` gives one replica's view of a bucket, made if it is not there. */
export function describeBucket(name: string, open: (bucket: string) => Promise<Bucket>): void {
  describe(`${name} as a Bucket`, () => {
    it('delivers what is there, then what changes, and lets a writer read its own write', async () => {
      const bucket = await open('watched');
      await bucket.put('gone', Buffer.from('1'));
      await bucket.delete('gone');
      await bucket.put('old', Buffer.from('1'));
      const replica = await open('watched');
      const changes: (string | undefined)[][] = [];
      await replica.watchAll(({ key, value }: BucketChange) => changes.push([key, textOf(value)]));
      expect(changes).toEqual([['old', '1']]);
      await replica.caughtUp(await bucket.put('new', Buffer.from('2')));
      await bucket.delete('old');
      await vi.waitFor(() =>
        expect(changes).toEqual([
          ['old', '1'],
          ['new', '2'],
          ['old', undefined],
        ]),
      );
    });

    it('delivers at once when it is empty', async () => {
      const bucket = await open('empty');
      const changes: BucketChange[] = [];
      await bucket.watchAll((change) => changes.push(change));
      expect(changes).toEqual([]);
    });

    it('says nothing of the deletion of what was never there', async () => {
      const bucket = await open('never');
      const changes: string[] = [];
      await bucket.watchAll(({ key }) => changes.push(key));
      await bucket.delete('absent');
      await bucket.caughtUp(await bucket.put('present', Buffer.from('1')));
      expect(changes).toEqual(['present']);
    });

    it.each([
      ['a creation, where there is an entry', 0],
      ['a change of an older revision', 1],
    ])('refuses as a conflict: %s', async (_name, expected) => {
      const bucket = await open(`cas${expected}`);
      await bucket.put('key', Buffer.from('1'));
      const revision = await bucket.put('key', Buffer.from('2'));
      await expect(bucket.put('key', Buffer.from('3'), expected)).rejects.toMatchObject({ code: 'Conflict' });
      expect(await bucket.put('key', Buffer.from('4'), revision)).toBe(revision + 1);
      expect(textOf((await bucket.get('key'))?.value)).toBe('4');
    });

    describeDeletions(open);
  });
}

function describeDeletions(open: (bucket: string) => Promise<Bucket>): void {
  it('deletes only the revision that is expected', async () => {
    const bucket = await open('cas-delete');
    const first = await bucket.put('key', Buffer.from('1'));
    const second = await bucket.put('key', Buffer.from('2'));
    await expect(bucket.delete('key', first)).rejects.toMatchObject({ code: 'Conflict' });
    expect(textOf((await bucket.get('key'))?.value)).toBe('2');
    await bucket.delete('key', second);
    expect(await bucket.get('key')).toBeUndefined();
  });

  it('lets a deleted entry be made again', async () => {
    const bucket = await open('again');
    await bucket.put('key', Buffer.from('1'), 0);
    await bucket.delete('key');
    expect(await bucket.get('key')).toBeUndefined();
    await bucket.put('key', Buffer.from('2'), 0);
    expect(textOf((await bucket.get('key'))?.value)).toBe('2');
  });
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
