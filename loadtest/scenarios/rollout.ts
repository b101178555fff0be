import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { sendPush } from '@wheelhouse/test/support/push-event';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, spentRow } from '../report/print.ts';
import { type Processes, spend } from '../report/processes.ts';
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
  const processes: Processes = () => ({
    hub: platform.hubs.map((hub) => hub.pid),
    nats: [platform.nats.pid],
    redis: [platform.redis.pid],
    spokes: fleet.pids,
    test: [process.pid],
  });
  await platform.apply(`${applicationSet(repository.url)}---\n${rollout(steps)}`);
  await waitSettled(platform, clusters);
  await waitRollout(platform, { run: 1, phase: 'Completed' });
  const push = async (version: number, broken = false) => {
    const sha = await repository.commit(files(steps, { version, broken }), `version ${version}`);
    await sendPush(platform, repository.url, sha);
  };
  const good = await spend(processes, async () => {
    await push(2);
    await waitRollout(platform, { run: 2, phase: 'Completed' });
  });
  const bad = await spend(processes, async () => {
    await push(3, true);
    return await waitRollout(platform, { run: 3, phase: 'Failed' });
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

interface Shown {
  phase: string;
  message: string;
  run?: number;
  members: Record<string, number>;
}

async function waitRollout(platform: Platform, wanted: { run: number; phase: string }): Promise<Shown> {
  const deadline = performance.now() + 300_000;
  for (;;) {
    const { items } = await platform.api<{ items: Shown[] }>('GET', '/api/v1/fleet/rollouts');
    const [shown] = items;
    if (shown && shown.run === wanted.run && shown.phase === wanted.phase) return shown;
    if (performance.now() > deadline)
      throw new Error(
        `run ${shown?.run} is ${shown?.phase} after 300 s: ${shown?.message} ${JSON.stringify(shown?.members)}`,
      );
    await sleep(100);
  }
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
    `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web${broken && ring === 1 ? '\n  annotations: {wheelhouse.dev/simulate: failed}' : ''}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: "v${version}"}}
    spec: {containers: [{name: web, image: "example.com/web:${version}"}]}
`,
  ]);
  return Object.fromEntries(rings) as Record<string, string>;
}

function rollout(steps: number): string {
  const rings = Array.from(
    { length: steps },
    (_, ring) => `    - {name: s${ring}, clusters: {matchLabels: {ring: r${ring}}}}\n`,
  );
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FleetRollout
metadata: {name: web, namespace: argocd}
spec:
  applicationSet: web
  progressDeadline: 120s
  steps:
${rings.join('')}`;
}

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchExpressions: [{key: ring, operator: Exists}]}}
  template:
    metadata: {name: 'web-{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: HEAD, path: 'rings/{{.metadata.labels.ring}}'}
      destination: {server: '{{.server}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
