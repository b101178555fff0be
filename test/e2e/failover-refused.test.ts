// Failovers that a person has to mean: more is asked of the destination than it has left, and volumes do not move.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { actOnPlan, getPlan, makePlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
let platform: Platform;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', {
    'services/heavy/deployment.yaml': deployment('heavy', '1000'),
    'services/store/deployment.yaml': deployment('store', '100m'),
    'services/store/claim.yaml': claim,
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  await platform.startSpoke('eu-0', { labels: { region: 'eu', role: 'active' } });
  await platform.startSpoke('us-0', { labels: { region: 'us', role: 'standby' } });
  await platform.apply(fleetSet({ repoURL: repository.url, selector: '{matchLabels: {role: active}}' }));
  await whenSettled(platform, { names: ['heavy-eu-0', 'store-eu-0'] }, { timeoutMs: 60_000 });
});
afterAll(async () => await stack.disposeAsync());

const plan = async () => await makePlan(platform, { from: 'region=eu', to: 'region=us', soakMs: 0 });

test('what does not fit is refused, by name and with the figures, until a person accepts that', async () => {
  const made = await eventually<ShownPlan>(
    async () => {
      const found = await plan();
      // a cluster says what it has in its heartbeats
      expect(found.capacity[0]?.free).toBeDefined();
      return found;
    },
    { timeoutMs: 60_000, intervalMs: 500 },
  );
  const overload = made.findings.find(({ code }) => code === 'Overload');
  expect(overload).toMatchObject({ severity: 'blocks', message: expect.stringMatching(/us-0.*CPU/) });
  const refused = actOnPlan(platform, made.id, { verb: 'start' });
  await expect(refused).rejects.toThrow(/409 .*is not started: .*us-0.*if that is meant: --accept Overload/);
  expect(await getPlan(platform, made.id)).toMatchObject({ phase: 'Planned' });
  await whenSettled(platform, { names: ['heavy-eu-0', 'store-eu-0'] });
});

test('volumes that stay behind are told of, and the plan that was accepted goes on', async () => {
  const made = await plan();
  expect(made.leaves).toMatchObject([{ app: 'heavy-eu-0' }, { app: 'store-eu-0', stateful: true }]);
  expect(made.leaves[0]).not.toHaveProperty('stateful');
  expect(made.findings).toContainEqual({
    severity: 'warning',
    code: 'Stateful',
    message: expect.stringContaining('store-eu-0'),
  });
  await actOnPlan(platform, made.id, { verb: 'start', body: { accept: ['Overload'] } });
  await planIn(platform, made, { phases: ['Completed'], timeoutMs: 100_000 });
  await whenSettled(platform, { names: ['heavy-us-0', 'store-us-0'] });
});

function deployment(name: string, cpu: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: 'app:1', resources: {requests: {cpu: '${cpu}', memory: 64Mi}}}]}
`;
}

const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: store}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;
