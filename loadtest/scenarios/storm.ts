import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { startHollowSpoke } from '@wheelhouse/test/support/hollow-spoke';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { sendPush } from '@wheelhouse/test/support/push-event';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, spentRow } from '../report/print.ts';
import { pidsOf, spend } from '../report/processes.ts';
import { waitRevision, waitSettled } from './wait.ts';

interface Shown {
  name: string;
  state: string;
  lastSeenAt?: string;
  generation?: number;
  appliedGeneration?: number;
}

const patienceMs = 300_000;
/** One cluster in so many belongs to the sample that is looked at first. */
const sampled = 50;

/**
 * A fleet of one Application each. NATS is killed and started again: how long until every spoke was heard of again and acts
 * upon its newest document; then one change to all. A spoke is revoked; and some are killed, until the hub calls one stale.
 */
export async function runStorm({ clusters }: { clusters: number }): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-storm-', memory: true }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', files(1));
  const platform = stack.use(await startPlatform({ dir, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const options = { count: clusters, dir: join(dir, 'spokes'), labels };
  const joinedAt = performance.now();
  const fleet = stack.use(await startHollowFleet(platform, options));
  say(`${clusters} spokes enrolled in ${Math.round(performance.now() - joinedAt)} ms`);
  const { token } = await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', { cluster: 'traitor' });
  const traitor = stack.use(await startHollowSpoke({ name: 'traitor', token, dir: options.dir }));
  const processes = () => pidsOf(platform, fleet);
  const step = async <T>(name: string, task: () => Promise<T>) => {
    const done = await spend(processes, task);
    say(`${name}: ${done.spent.wallSeconds} s`);
    return done;
  };
  const started = await step('settled', async () => {
    await platform.apply(applicationSet(repository.url));
    await waitSettled(platform, clusters, patienceMs);
  });
  const restarted = await step('NATS restarted', async () => {
    await platform.nats.kill('SIGKILL');
    // before it is there again: the first to come back are heard of while it still starts
    const since = Date.now();
    await platform.nats.restart();
    await waitCurrent(platform, { count: clusters, since });
  });
  const changed = await step('changed', async () => {
    const sha = await repository.commit(files(2), 'version 2');
    await sendPush(platform, repository.url, sha);
    await waitRevision(platform, { revision: sha, count: clusters });
  });
  const revokedMs = await revoke(platform, traitor);
  const stale = await step('stale', async () => {
    process.kill(fleet.pids.at(-1) ?? 0, 'SIGKILL');
    await waitState(platform, fleet.names.at(-1) ?? '', 'Stale');
  });
  return {
    scenario: 'loadtest storm',
    options: { clusters },
    rows: [
      spentRow('one Application to each', started.spent),
      spentRow('NATS killed and started again: every spoke heard of, and current', restarted.spent),
      spentRow('one change to all after that', changed.spent),
      { step: 'a revoked spoke: from the request to the end of its connection', 'wall ms': revokedMs },
      spentRow('a killed spoke: until it is Stale', stale.spent),
    ],
  };
}

function labels(index: number): Record<string, string> {
  return { ring: 'all', ...(index % sampled === 0 ? { sample: 'yes' } : {}) };
}

/** To stderr: a scenario of minutes says where it is. */
function say(text: string): void {
  process.stderr.write(`storm: ${text}\n`);
}

/** Every cluster was heard of since then, and acts upon its newest generation. */
async function waitCurrent(platform: Platform, { count, since }: { count: number; since: number }): Promise<void> {
  const countCurrent = async (selector: string) => {
    const { items } = await platform.api<{ items: Shown[] }>('GET', `/api/v1/fleet/clusters?selector=${selector}`);
    const isCurrent = ({ lastSeenAt = '', generation, appliedGeneration }: Shown) =>
      Date.parse(lastSeenAt) >= since && generation === appliedGeneration;
    return items.filter(isCurrent).length;
  };
  const started = performance.now();
  while (performance.now() - started < patienceMs) {
    // the hub pays for each look at all of them
    const isSampleThrough = (await countCurrent('sample%3Dyes')) === Math.ceil(count / sampled);
    if (isSampleThrough && (await countCurrent('ring%3Dall')) === count) return;
    await sleep(500);
  }
  throw new Error(
    `only ${await countCurrent('ring%3Dall')} of ${count} clusters were current after ${patienceMs / 1000} s`,
  );
}

async function waitState(platform: Platform, name: string, state: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if ((await platform.api<Shown>('GET', `/api/v1/fleet/clusters/${name}`)).state === state) return;
    await sleep(500);
  }
  throw new Error(`cluster ${name} is not ${state} after ${patienceMs / 1000} s`);
}

async function revoke(platform: Platform, spoke: { name: string; linkState(): string }): Promise<number> {
  const started = performance.now();
  const asked = platform.api('POST', `/api/v1/fleet/clusters/${spoke.name}/revoke`, { reason: 'load test' });
  while (spoke.linkState() === 'connected') await sleep(2);
  const tookMs = Math.round(performance.now() - started);
  await asked;
  return tookMs;
}

function files(version: number): Record<string, string> {
  return {
    'app/config.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  version: "${version}"\n`,
  };
}

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchLabels: {ring: all}}}
  template:
    metadata: {name: 'app-{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: HEAD, path: app}
      destination: {name: '{{.name}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
