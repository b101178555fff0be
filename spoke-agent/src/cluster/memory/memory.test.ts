import { describeCluster } from '../conformance.ts';
import { createMemoryCluster } from './memory.ts';

describeCluster('memory', () => createMemoryCluster());
