import { sleep } from '@wheelhouse/shared/async/abort';
import { percentiles, type Report } from '../report/print.ts';
import { configMapName, namespace, startOneCluster } from './one-cluster.ts';
import type { BenchOptions } from './pipeline.ts';
import { watchConfigMaps } from './watch-config-maps.ts';

/** From the request that deletes or edits an object on a real API server to the object being right again there. */
export async function runHeal({ apps, samples }: BenchOptions): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const bench = await startOneCluster(apps, stack);
  await bench.create();
  await using watch = watchConfigMaps(bench.cluster);
  await sleep(2_000);
  const harm = async (index: number, how: 'deleted' | 'edited') => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${configMapName(index)}`;
    const healed = watch.seen(configMapName(index), '1');
    const started = performance.now();
    if (how === 'deleted') await bench.cluster.request('DELETE', path);
    else
      await bench.cluster.request('PATCH', path, {
        body: { data: { version: 'by hand' } },
        contentType: 'application/merge-patch+json',
      });
    return (await healed) - started;
  };
  const times = { deleted: [] as number[], edited: [] as number[] };
  for (let sample = 0; sample < samples; sample += 1) {
    for (const how of ['deleted', 'edited'] as const) {
      times[how].push(await harm((sample * 53 + (how === 'edited' ? 7 : 0)) % apps, how));
      await sleep(100);
    }
  }
  return {
    scenario: 'bench heal',
    options: { apps },
    rows: [
      { step: 'deleted by hand, to there again', ...percentiles(times.deleted) },
      { step: 'edited by hand, to right again', ...percentiles(times.edited) },
    ],
  };
}
