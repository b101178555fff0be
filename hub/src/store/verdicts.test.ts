import { beforeEach, expect, it } from 'vitest';
import { createMemoryBuckets } from './testing/memory-bucket.ts';
import { createVerdicts, type Verdicts } from './verdicts.ts';

let verdicts: Verdicts;
let replica: Verdicts;
const set = ['argocd', 'fleet'] as const;
const no = (...applications: string[]) => ({ applications, by: 'ann', reason: 'no', at: '2026-01-01T00:00:00Z' });

beforeEach(async () => {
  const buckets = createMemoryBuckets();
  verdicts = await createVerdicts(buckets.open('fleet'));
  replica = await createVerdicts(buckets.open('fleet'));
});

it('a release is known to every replica, and good once', async () => {
  await verdicts.release(...set, 'one');
  expect(replica.released(...set)).toBe('one');
  await replica.use(...set, { released: 'another' });
  expect(verdicts.released(...set)).toBe('one');
  await replica.use(...set, { released: 'one' });
  expect(verdicts.released(...set)).toBeUndefined();
});

it('rejections add up, and go one by one as they are used up', async () => {
  await verdicts.reject(...set, no('a', 'b'));
  await verdicts.reject(...set, { ...no('c'), by: 'bob' });
  const rejection = replica.rejection(...set);
  expect(rejection).toMatchObject({ applications: ['a', 'b', 'c'], by: 'bob' });
  if (rejection) await replica.use(...set, { rejected: { rejection, still: ['a', 'c'] } });
  expect(verdicts.rejection(...set)?.applications).toEqual(['a', 'c']);
  const left = replica.rejection(...set);
  if (left) await replica.use(...set, { rejected: { rejection: left, still: [] } });
  expect(verdicts.rejection(...set)).toBeUndefined();
});

it('what was rejected since an evaluation looked is not used up by it', async () => {
  await verdicts.reject(...set, no('a'));
  const seen = replica.rejection(...set);
  await verdicts.reject(...set, no('b'));
  if (seen) await replica.use(...set, { rejected: { rejection: seen, still: [] } });
  expect(verdicts.rejection(...set)?.applications).toEqual(['a', 'b']);
});
