// Labels that an agent reports, as far as its token allows: taken over where they move no Application, held where they would,
// until a person makes them by a plan. Nobody who may restart an agent moves workloads by that.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import type { Child } from '../support/child.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const within = { timeoutMs: 60_000 };
const stack = new AsyncDisposableStack();
let platform: Platform;
let cli: CommandLine;
let agent: Child;

interface Shown {
  labels: Record<string, string>;
  heldLabels?: { labels: Record<string, string>; reason: string };
  credentials?: { issuedAt: string; expiresAt: string };
}

const shown = async () => await platform.api<Shown>('GET', '/api/v1/fleet/clusters/eu-0');
const names = async () => (await listApplications(platform)).map(({ metadata }) => metadata.name);

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', {
    'services/shop/config.yaml': versionedConfigMap('shop', 1),
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  agent = await startAgent('role=active,rack=1');
  await platform.startSpoke('eu-1', { labels: { role: 'active' } });
  await platform.apply(fleetSet({ repoURL: repository.url, selector: '{matchLabels: {role: active}}' }));
  await whenSettled(platform, { names: ['shop-eu-0', 'shop-eu-1'] }, within);
});
afterAll(async () => await stack.disposeAsync());

async function startAgent(labels: string): Promise<Child> {
  const allowedLabels = { role: ['*'], rack: ['*'] };
  return await platform.startSpoke('eu-0', { allowedLabels, env: { WHEELHOUSE_LABELS: labels } });
}

test('an agent that wants to be somewhere else is told to ask a person, and gets the rest', async () => {
  await agent.kill('SIGTERM');
  agent = await startAgent('role=standby,rack=2');
  await eventually(async () => expect(await shown()).toMatchObject({ labels: { rack: '2', role: 'active' } }), within);
  expect((await shown()).heldLabels).toMatchObject({
    labels: { role: 'standby' },
    reason: '1 Applications would leave, 0 arrive and 0 change in place',
  });
  expect(await names()).toEqual(['shop-eu-0', 'shop-eu-1']);
  const page = await cli.succeed('cluster', 'get', 'eu-0');
  expect(page).toMatch(/^Held labels: +role=standby: .* plan it: wheelhouse cluster label eu-0 role=standby$/m);
  expect(page).toMatch(/^Credentials: +run out in 2[34]h \(20.*Z\), renewed \d+[sm] ago$/m);
});

test('what a person sets by a plan is what the agent wanted, and is held no longer', async () => {
  await cli.succeed('cluster', 'label', 'eu-0', 'role=standby', '--yes', '--accept', 'EmptiesPlacement');
  await eventually(async () => expect(await names()).toEqual(['shop-eu-1']), within);
  expect(await shown()).toMatchObject({ labels: { role: 'standby', rack: '2' } });
  expect(await shown()).not.toHaveProperty('heldLabels');
});
