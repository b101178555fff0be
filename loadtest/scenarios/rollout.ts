import { join } from 'node:path';
import { ringSet, versionedDeployment } from '@wheelhouse/test/support/fleet-set';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { startPlatform } from '@wheelhouse/test/support/platform';
import { sendPush } from '@wheelhouse/test/support/push-event';
import { fleetRollout, rolloutIn } from '@wheelhouse/test/support/rollouts';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, spentRow } from '../report/print.ts';
import { pidsOf, spend } from '../report/processes.ts';
import { waitSettled } from './wait.ts';

export interface RolloutOptions {
  clusters: number;
  steps: number;
}

/**
 * One Application on each hollow cluster, taken over the fleet by a FleetRollout without soak: a good revision through all steps,
 * then one that is bad for the second step, to the return of what it touched. Steps grow: each is twice the one before.
 */
export async function runRollout({ clusters, steps }: RolloutOptions): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-rollout-', memory: true }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', files(steps, { version: 1 }));
  const platform = stack.use(await startPlatform({ dir, hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const fleet = stack.use(
    await startHollowFleet(platform, {
      count: clusters,
      dir: join(dir, 'spokes'),
      labels: (index) => ({ ring: `r${ringOf(index, { clusters, steps })}` }),
    }),
  );
  const processes = () => ({ ...pidsOf(platform, fleet), test: [process.pid] });
  const selector = '{matchExpressions: [{key: ring, operator: Exists}]}';
  const set = ringSet({ repoURL: repository.url, revision: 'HEAD', selector });
  await platform.apply(`${set}---\n${rolloutOf(steps)}`);
  await waitSettled(platform, clusters);
  const whenPhase = async (phase: string, run: number) =>
    await rolloutIn(platform, { name: 'web', phase, run }, { timeoutMs: 300_000, intervalMs: 100 });
  await whenPhase('Completed', 1);
  const push = async (version: number, broken = false) => {
    const sha = await repository.commit(files(steps, { version, broken }), `version ${version}`);
    await sendPush(platform, repository.url, sha);
  };
  const good = await spend(processes, async () => {
    await push(2);
    await whenPhase('Completed', 2);
  });
  const bad = await spend(processes, async () => {
    await push(3, true);
    return await whenPhase('Failed', 3);
  });
  return {
    scenario: 'loadtest rollout',
    options: { clusters, steps, hubs: 2 },
    rows: [
      spentRow('one revision through all steps, no soak', good.spent, {}),
      spentRow('one that breaks the second step, to the return of what it touched', bad.spent, {
        returned: bad.result.members['Returned'] ?? 0,
      }),
    ],
  };
}

/** Of 1,000 in four steps: 66, 133, 266 and the rest. */
function ringOf(index: number, { clusters, steps }: RolloutOptions): number {
  const share = clusters / (2 ** steps - 1);
  return Math.min(steps - 1, Math.floor(Math.log2(index / share + 1)));
}

function files(
  steps: number,
  { version, broken = false }: { version: number; broken?: boolean },
): Record<string, string> {
  const rings = Array.from({ length: steps }, (_, ring) => [
    `rings/r${ring}/web.yaml`,
    versionedDeployment('web', version, { broken: broken && ring === 1 }),
  ]);
  return Object.fromEntries(rings) as Record<string, string>;
}

function rolloutOf(count: number): string {
  const steps = Array.from(
    { length: count },
    (_, ring) => `{name: s${ring}, clusters: {matchLabels: {ring: r${ring}}}}`,
  );
  return fleetRollout({ name: 'web', set: 'web', progressDeadline: '120s', steps });
}
