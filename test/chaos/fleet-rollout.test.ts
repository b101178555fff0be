// A FleetRollout over 100 hollow clusters in four steps: the second breaks health, and what was touched returns to the
// recorded revision with no hand; then a good revision goes all the way while hub replicas are killed in each phase.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = Array.from({ length: 100 }, (_, index) => `c${String(index).padStart(2, '0')}`);
/** Two canaries, 8 early ones, 30 of the middle, the rest. */
const rings = (index: number) => (index < 2 ? 'canary' : index < 10 ? 'early' : index < 40 ? 'middle' : 'rest');
const untouched = clusters.slice(10);
const within = { timeoutMs: 120_000, intervalMs: 100 };

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(1));
  platform = stack.use(await startPlatform({ hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const labelsOf = (_name: string, index: number) => ({ fleet: 'hollow', ring: rings(index) });
  fleet = stack.use(await startFleet(platform, clusters, { labelsOf }));
  await platform.apply(`${applicationSet(repository.url)}---\n${rollout}`);
  await whenPhase('Completed', 1);
});
afterAll(async () => await stack.disposeAsync());

test('a step that breaks health ends in a return of what was touched, with no hand', async () => {
  const uids = await fleet.uids();
  const sha = await push(2, { broken: true });
  const failed = await whenPhase('Failed', 2);
  expect(failed.message).toMatch(/^step early: \d of 8 failed .* is Degraded/);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 1: 100 }), within);
  expect(await fleet.uids()).toEqual(uids);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
  const touched = failed.clusters.filter(({ state }) => state === 'Returned').map(({ name }) => name);
  expect(touched).toEqual(expect.arrayContaining(clusters.slice(0, 2)));
  expect(touched.filter((name) => untouched.includes(name))).toEqual([]);
  const held = await getApplication(platform, `web-${untouched[0]}`);
  expect(held.status.sync.status).toBe('OutOfSync');
  expect(messagesOf(held, 'RolloutWaiting').join()).toMatch(
    /^stays at [0-9a-f]{7}: rollout web is Failed: step early: /,
  );
  expect(sha).not.toBe(held.status.sync.revision);
});

test('a good revision goes through all steps, whichever phase a hub replica is killed in', async () => {
  await push(3);
  for (const step of [1, 2, 3, 4]) {
    await eventually(async () => {
      const { step: at, run } = await getRollout();
      if (run !== 3 || (at ?? 5) < step) throw new Error(`run ${run} is at step ${at}`);
    }, within);
    await platform.hubs[step % 2]?.restart();
  }
  await whenPhase('Completed', 3);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 3: 100 }), within);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
  const { events, steps } = await getRollout();
  expect(steps.map(({ state }) => state)).toEqual(['Proved', 'Proved', 'Proved', 'Proved']);
  expect(
    events
      .filter(({ type }) => type === 'StepProved')
      .slice(-4)
      .map(({ message }) => message.split(' ')[1]),
  ).toEqual(['canary', 'early', 'middle', 'rest']);
});

test('the return is completed when the hubs are killed in the middle of it', async () => {
  await push(4, { broken: true });
  await eventually(async () => expect((await getRollout()).phase).toMatch(/Returning|Failed/), {
    ...within,
    intervalMs: 20,
  });
  await Promise.all(platform.hubs.map(async (hub) => await hub.restart()));
  await whenPhase('Failed', 4);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 3: 100 }), within);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
});

interface ShownRollout {
  phase: string;
  message: string;
  run?: number;
  step?: number;
  steps: { name: string; state: string }[];
  clusters: { name: string; state: string }[];
  events: { type: string; message: string }[];
}

async function getRollout(): Promise<ShownRollout> {
  return await platform.api('GET', '/api/v1/fleet/rollouts/web');
}

async function whenPhase(phase: string, run: number): Promise<ShownRollout> {
  return await eventually(async () => {
    const found = await getRollout();
    if (found.phase !== phase || found.run !== run)
      throw new Error(`run ${found.run} is ${found.phase}: ${found.message} ${JSON.stringify(moving(found))}`);
    return found;
  }, within);
}

function moving({ clusters }: ShownRollout): unknown[] {
  return clusters.filter(({ state }) => state === 'Updating' || state === 'Returning').slice(0, 3);
}

async function push(version: number, { broken = false }: { broken?: boolean } = {}): Promise<string> {
  const sha = await repository.commit(files(version, broken), `Version ${version}`);
  await sendPush(platform, repository.url, sha);
  return sha;
}

/** `broken`: the version is bad for the clusters of the second step. */
function files(version: number, broken = false): RepositoryFiles {
  const overlays = ['canary', 'early', 'middle', 'rest'].map((ring) => {
    const simulate = broken && ring === 'early' ? '\n  annotations: {wheelhouse.dev/simulate: failed}' : '';
    return [
      `rings/${ring}/web.yaml`,
      `apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {version: "${version}"}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web${simulate}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: "v${version}"}}
    spec: {containers: [{name: web, image: "example.com/web:${version}"}]}
`,
    ] as const;
  });
  return Object.fromEntries(overlays);
}

const rollout = `apiVersion: wheelhouse.dev/v1alpha1
kind: FleetRollout
metadata: {name: web, namespace: argocd}
spec:
  applicationSet: web
  progressDeadline: 60s
  steps:
    - {name: canary, clusters: {matchLabels: {ring: canary}}, soak: 1s}
    - {name: early, clusters: {matchLabels: {ring: early}}, maxUpdate: 4, soak: 1s}
    - {name: middle, clusters: {matchLabels: {ring: middle}}, maxUpdate: 50%}
    - {name: rest}
`;

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchLabels: {fleet: hollow}}}
  template:
    metadata: {name: 'web-{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: 'rings/{{.metadata.labels.ring}}'}
      destination: {server: '{{.server}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
