import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { fleetSet } from '@wheelhouse/test/support/fleet-set';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { sendPush } from '@wheelhouse/test/support/push-event';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, spentRow } from '../report/print.ts';
import { pidsOf, spend } from '../report/processes.ts';
import { countRevision, waitRevision, waitSettled } from './wait.ts';

export interface SpineOptions {
  clusters: number;
  apps: number;
}

/**
 * Hollow spokes (real agents and NATS connections, memory clusters) to all Healthy; then one change to all; then one
 * more, with a hub replica killed in between. Counts what was lost: it must be 0.
 */
export async function runSpine({ clusters, apps }: SpineOptions): Promise<Report> {
  const each = Math.max(1, Math.round(apps / clusters));
  const total = each * clusters;
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-spine-', memory: true }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', fleetFiles(each, 1));
  const platform = stack.use(await startPlatform({ dir, hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const fleet = stack.use(
    await startHollowFleet(platform, {
      count: clusters,
      dir: join(dir, 'spokes'),
      labels: (index) => ({ ring: `r${index % 10}` }),
    }),
  );
  const processes = () => ({ ...pidsOf(platform, fleet), test: [process.pid] });

  const created = await spend(processes, async () => {
    await platform.apply(
      fleetSet({
        repoURL: repository.url,
        revision: 'HEAD',
        path: 'apps/*',
        selector: '{matchExpressions: [{key: ring, operator: Exists}]}',
      }),
    );
    await waitSettled(platform, total);
  });
  const changed = await spend(processes, async () => await change(platform, repository, { each, version: 2, total }));
  const killed = await spend(processes, async () => {
    const sha = await repository.commit(fleetFiles(each, 3), 'version 3');
    await sendPush(platform, repository.url, sha);
    await sleep(300);
    await platform.hubs[1]?.kill('SIGKILL');
    await waitRevision(platform, { revision: sha, count: total });
    return await countRevision(platform, sha);
  });
  const rate = (seconds: number) => Math.round(total / seconds);
  return {
    scenario: 'loadtest spine',
    options: { clusters, apps: total, hubs: 2 },
    rows: [
      spentRow('creation to all Synced and Healthy', created.spent, { 'apps/s': rate(created.spent.wallSeconds) }),
      spentRow('one change to all', changed.spent, { 'apps/s': rate(changed.spent.wallSeconds) }),
      spentRow('one change to all, a hub replica killed in between', killed.spent, {
        lost: total - killed.result,
        stale: await countStale(platform),
      }),
    ],
  };
}

async function change(
  platform: Platform,
  repository: { url: string; commit(files: Record<string, string>, message: string): Promise<string> },
  what: { each: number; version: number; total: number },
): Promise<void> {
  const sha = await repository.commit(fleetFiles(what.each, what.version), `version ${what.version}`);
  await sendPush(platform, repository.url, sha);
  await waitRevision(platform, { revision: sha, count: what.total });
}

async function countStale(platform: Platform): Promise<number> {
  const text = await platform.metrics();
  return Number(/wheelhouse_applications\{dimension="all",value="stale"\} (\d+)/.exec(text)?.[1] ?? Number.NaN);
}

function fleetFiles(count: number, version: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let index = 0; index < count; index += 1) {
    files[`apps/app-${index}/config.yaml`] =
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-${index}\ndata:\n  version: "${version}"\n  text: ${'x'.repeat(1_900)}\n`;
  }
  return files;
}
