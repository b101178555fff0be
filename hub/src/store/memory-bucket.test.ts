// Its assertions are the suite that the bucket in NATS passes too (test/integration/transport-stores.test.ts).
import { describeBucket } from './testing/bucket-conformance.ts';
import { createMemoryBuckets } from './testing/memory-bucket.ts';

const buckets = createMemoryBuckets();
describeBucket('memory', async (name) => buckets.open(name));
