import { join } from 'node:path';
import { fleetSet } from '@wheelhouse/test/support/fleet-set';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { actOnPlan, makePlan, planIn, type ShownPlan } from '@wheelhouse/test/support/plans';
import { startPlatform } from '@wheelhouse/test/support/platform';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, spentRow } from '../report/print.ts';
import { pidsOf, spend } from '../report/processes.ts';
import type { SpineOptions } from './spine.ts';
import { waitSettled } from './wait.ts';

const soakMs = 1_000;

/**
 * Half of the clusters run every Application, the other half stands by: from the command until everything is withdrawn
 * at the source, and back by aborting in the middle.
 */
export async function runFailover({ clusters, apps }: SpineOptions): Promise<Report> {
  const side = Math.max(1, Math.floor(clusters / 2));
  const each = Math.max(1, Math.round(apps / side));
  const total = each * side;
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-failover-', memory: true }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', files(each));
  const platform = stack.use(await startPlatform({ dir, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const fleet = stack.use(
    await startHollowFleet(platform, {
      count: side * 2,
      dir: join(dir, 'spokes'),
      labels: (index) => (index < side ? { region: 'eu', role: 'active' } : { region: 'us', role: 'standby' }),
    }),
  );
  const processes = () => ({ ...pidsOf(platform, fleet), test: [process.pid] });
  await platform.apply(
    fleetSet({ repoURL: repository.url, revision: 'HEAD', path: 'apps/*', selector: '{matchLabels: {role: active}}' }),
  );
  await waitSettled(platform, total);

  const begin = async (from: string, to: string) => {
    const plan = await makePlan(platform, { from: `region=${from}`, to: `region=${to}`, soakMs });
    return await actOnPlan(platform, plan.id, { verb: 'start' });
  };
  const moved = await spend(processes, async () => {
    const { id } = await begin('eu', 'us');
    return await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 300_000 });
  });
  await waitSettled(platform, total);
  const aborted = await spend(processes, async () => {
    const { id } = await begin('us', 'eu');
    await planIn(platform, { id }, { phases: ['Arriving'], timeoutMs: 300_000 });
    await actOnPlan(platform, id, { verb: 'abort' });
    return await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 300_000 });
  });
  return {
    scenario: 'loadtest failover',
    options: { clusters: side * 2, apps: total, soakMs, hubs: 1 },
    rows: [
      spentRow('command to withdrawn at the source', moved.spent, figures(moved.result, total)),
      spentRow('command, arriving, and everything undone', aborted.spent),
    ],
  };
}

function figures({ counts }: ShownPlan, total: number): Record<string, number> {
  return { moved: counts.withdrawn, lost: total - counts.healthy };
}

function files(count: number): Record<string, string> {
  const configMap = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  text: ${'x'.repeat(1_900)}\n`;
  const names = Array.from({ length: count }, (_, index) => `app-${index}`);
  return Object.fromEntries(names.map((name) => [`apps/${name}/config.yaml`, configMap(name)]));
}
