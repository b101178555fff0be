import { Worker } from 'node:worker_threads';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type ChartVersion, readChartVersions } from './read-index.ts';

export type { ChartVersion } from './read-index.ts';

/** Above this an index is read in a thread of its own, so that nothing else waits. */
const heavyBytes = 256 << 10;

/** The versions of one chart in a repository's `index.yaml`. Throws Malformed. */
export async function parseChartIndex(
  text: string,
  wanted: { chart: string; what: string },
  signal: AbortSignal,
): Promise<ChartVersion[]> {
  try {
    return text.length <= heavyBytes
      ? readChartVersions(text, wanted.chart)
      : await readInThread({ text, chart: wanted.chart }, signal);
  } catch (error) {
    if (signal.aborted) throw new FleetError('Aborted', 'stopped', { cause: error });
    throw new FleetError(
      'Malformed',
      `${wanted.what} is no chart index: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function readInThread(workerData: { text: string; chart: string }, signal: AbortSignal): Promise<ChartVersion[]> {
  const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error('it could not be read')));
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
