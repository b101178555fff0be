/** Worker thread: reads one chart's versions out of a big index. */
import { parentPort, workerData } from 'node:worker_threads';
import { readChartVersions } from './read-index.ts';

const { text, chart } = workerData as { text: string; chart: string };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a browser's window
parentPort?.postMessage(readChartVersions(text, chart));
