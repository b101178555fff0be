import { sleep } from '@wheelhouse/shared/async/abort';
import { sendPush } from '@wheelhouse/test/support/push-event';
import { percentiles, type Report, type Row, spentRow } from '../report/print.ts';
import { spend } from '../report/processes.ts';
import { configMapName, type OneCluster, startOneCluster } from './one-cluster.ts';
import { waitRevision } from './wait.ts';
import { watchConfigMaps } from './watch-config-maps.ts';

export interface BenchOptions {
  apps: number;
  samples: number;
}

/** A commit's way to a real API server: all Applications created, all changed, one changed; and what idling costs. */
export async function runPipeline({ apps, samples }: BenchOptions): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const bench = await startOneCluster(apps, stack);
  const created = await spend(bench.processes, bench.create);
  const changed = await spend(bench.processes, async () => {
    const sha = await bench.commit(
      Array.from({ length: apps }, (_, index) => index),
      2,
    );
    await sendPush(bench.platform, bench.repository.url, sha);
    await waitRevision(bench.platform, { revision: sha, count: apps });
  });
  const single = await changeOne(bench, { apps, samples });
  const idle = await measureIdle(bench, 20);
  return {
    scenario: 'bench pipeline',
    options: { apps },
    rows: [
      spentRow('creation of the ApplicationSet to all Synced', created.spent),
      spentRow('a commit that changes every one', changed.spent),
      single,
      idle,
    ],
  };
}

async function changeOne(bench: OneCluster, { apps, samples }: BenchOptions): Promise<Row> {
  await using watch = watchConfigMaps(bench.cluster);
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const index = (sample * 37) % apps;
    const version = 100 + sample;
    const applied = watch.seen(configMapName(index), String(version));
    const sha = await bench.commit([index], version);
    const sent = performance.now();
    await sendPush(bench.platform, bench.repository.url, sha);
    times.push((await applied) - sent);
    await sleep(300);
  }
  return { step: `a commit that changes 1 of ${apps}: webhook to applied`, ...percentiles(times) };
}

async function measureIdle(bench: OneCluster, seconds: number): Promise<Row> {
  await sleep(3_000);
  const before = await countRequests(bench);
  const { spent } = await spend(bench.processes, async () => await sleep(seconds * 1_000));
  const requests = (await countRequests(bench)) - before;
  return spentRow(`idle for ${seconds} s`, spent, { 'API requests/s': Math.round((requests / seconds) * 100) / 100 });
}

/** Requests that the API server has answered, watches left out, and those of its own loopback client. */
async function countRequests({ cluster }: OneCluster): Promise<number> {
  const text = await cluster.metrics();
  let count = 0;
  for (const line of text.split('\n')) {
    const match = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line);
    if (
      match &&
      /resource="configmaps"|verb="(PATCH|APPLY|POST|PUT|DELETE)"/.test(match[1] ?? '') &&
      !/verb="WATCH"|resource="(leases|endpoints|endpointslices|services|apiservices|events)"/.test(match[1] ?? '')
    )
      count += Number(match[2]);
  }
  return count;
}
