// A failover of some Applications: only what the selector matches moves, the clusters keep their labels, a new commit finds
// each where it is, a hub that is killed goes on, and failing back leaves nothing behind. By hand for one cluster too, and
// annotations that a template reads take the same path.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { versionedConfigMap } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const there = ['failover', '--from', 'region=eu', '--to', 'region=us', '--app', 'app=cart', '--soak', '1s'];

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let cli: CommandLine;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', files(1));
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  await platform.startSpoke('eu-1', { labels: { region: 'eu', role: 'active' } });
  await platform.startSpoke('us-1', { labels: { region: 'us', role: 'standby' } });
  await platform.apply(set(repository.url));
  await whenSettled(platform, { names: ['cart-eu-1', 'search-eu-1'] });
});
afterAll(async () => await stack.disposeAsync());

let id = '';

test('only what is selected moves, and the clusters keep their labels', async () => {
  const shown = await cli.succeed(...there, '--dry-run');
  expect(shown).toMatch(
    /1 leave, 1 arrive, 0 change in place\n[\s\S]*only Applications of 'app=cart' see these labels/,
  );
  ({ id } = await cli.json<ShownPlan>(...there, '--yes'));
  await platform.hubs[0]?.restart();
  await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 60_000 });
  await whenSettled(platform, { names: ['cart-us-1', 'search-eu-1'] });
  const page = await cli.succeed('cluster', 'get', 'us-1');
  expect(page).toMatch(/Labels: +region=us,role=standby\n/);
  expect(page).toMatch(/Labels for app=cart: +role=active \(since [^,]+, by plan p\S+ of admin\)/);
  expect(await cli.succeed('plan', 'list')).toMatch(new RegExp(`${id} .*app=cart`));
});

test('a new commit and another cluster find each where it is', async () => {
  const sha = await repository.commit(files(2), 'Version 2');
  await sendPush(platform, repository.url, sha);
  await whenSettled(platform, { names: ['cart-us-1', 'search-eu-1'], revision: sha });
  await platform.startSpoke('eu-2', { labels: { region: 'eu', role: 'active' } });
  const all = ['cart-us-1', 'cart-eu-2', 'search-eu-1', 'search-eu-2'];
  expect(await whenSettled(platform, { names: all, revision: sha })).toHaveLength(4);
});

test('failing back leaves nothing of it behind', async () => {
  const back = await cli.json<ShownPlan>('plan', 'fail-back', id, '--soak', '1s', '--yes');
  await planIn(platform, back, { phases: ['Completed'], timeoutMs: 60_000 });
  await whenSettled(platform, { names: ['cart-eu-1', 'cart-eu-2', 'search-eu-1', 'search-eu-2'] });
  expect(await platform.api('GET', '/api/v1/fleet/clusters/us-1')).not.toHaveProperty('appLabels');
});

test('one cluster is labelled by hand for some, and let go of', async () => {
  const label = ['cluster', 'label', 'us-1', '--app', 'app=search', '--soak', '1s'];
  const plan = await cli.json<ShownPlan>(...label, 'role=active', '--yes');
  await planIn(platform, plan, { phases: ['Completed'] });
  await whenSettled(platform, { names: ['cart-eu-1', 'cart-eu-2', 'search-eu-1', 'search-eu-2', 'search-us-1'] });
  const refused = await cli.run([...label, 'tier=gold']);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining("no Application of 'app=search' would move"),
  ]);
  const back = await cli.json<ShownPlan>(...label, 'role=standby', '--yes');
  await planIn(platform, back, { phases: ['Completed'] });
  expect(await platform.api('GET', '/api/v1/fleet/clusters/us-1')).not.toHaveProperty('appLabels');
  expect(await cli.succeed('cluster', 'history', 'us-1')).toMatch(/role=active \(was standby\) for app=search/);
});

test('an annotation that a template reads is planned, and any other is set at once', async () => {
  const annotate = ['cluster', 'annotate', 'eu-2'];
  expect(await cli.succeed(...annotate, 'owner=core')).toBe('cluster eu-2 annotated: owner=core\n');
  expect(await cli.succeed(...annotate, 'parked=true', '--dry-run')).toMatch(
    /2 leave, 0 arrive[\s\S]*eu-2 +parked +\(none\) +true[\s\S]*is not started/,
  );
  const plan = await cli.json<ShownPlan>(...annotate, 'parked=true', '--soak', '1s', '--yes');
  await planIn(platform, plan, { phases: ['Completed'] });
  await eventually(async () => {
    const names = (await listApplications(platform)).map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['cart-eu-1', 'search-eu-1']);
  });
  const back = await cli.json<ShownPlan>('plan', 'fail-back', plan.id, '--soak', '1s', '--yes');
  await planIn(platform, back, { phases: ['Completed'] });
  await whenSettled(platform, { names: ['cart-eu-1', 'cart-eu-2', 'search-eu-1', 'search-eu-2'] });
  expect(await cli.succeed('cluster', 'history', 'eu-2')).toMatch(
    /plan p\S+ of admin +annotation parked- \(was true\)/,
  );
});

test('a selector that nothing has is refused', async () => {
  const { code, stderr } = await cli.run(there.map((arg) => arg.replace('app=cart', 'wheelhouse.dev/project=none')));
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("no Application of 'wheelhouse.dev/project=none' would move"),
  ]);
});

function files(version: number): Record<string, string> {
  return {
    'services/cart/config.yaml': versionedConfigMap('cart', version),
    'services/search/config.yaml': versionedConfigMap('search', version),
  };
}

function set(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - matrix:
        generators:
          - git: {repoURL: '${repoURL}', revision: main, directories: [{path: 'services/*'}]}
          - clusters: {selector: {matchLabels: {role: active}}, values: {parked: '{{.metadata.annotations.parked | default "false"}}'}}
      selector: {matchLabels: {values.parked: "false"}}
  template:
    metadata:
      name: '{{.path.basename}}-{{.name}}'
      labels: {app: '{{.path.basename}}'}
      finalizers: [resources-finalizer.argocd.argoproj.io]
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: '{{.path.path}}'}
      destination: {server: '{{.server}}', namespace: shop}
      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;
}
