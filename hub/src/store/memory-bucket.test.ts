import { describeBucket } from './testing/bucket-conformance.ts';
import { createMemoryBuckets } from './testing/memory-bucket.ts';

const buckets = createMemoryBuckets();
describeBucket('memory', async (name) => buckets.open(name));
