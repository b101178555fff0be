// What a project guards against, by the command line, on one simulated spoke: raw Secrets but for those that it names, tokens
// in plain sight, and what a global project denies.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { connectAsHub } from '../support/hub-connection.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const stop = new AbortController();
const secret =
  'apiVersion: v1\nkind: Secret\nmetadata: {name: pull, namespace: default}\nstringData: {token: hunter2}\n';
const key = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');
let shop: Shop;
let cli: CommandLine;

beforeAll(async () => {
  shop = await startShop({ 'app/config.yaml': configMap('shop', 'one') });
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(shop.platform.dir, 'context.json') } });
  await apply(project('team'));
  await apply(shop.application().replace('project: default', 'project: team'));
  await shop.whenMended();
});
afterAll(async () => {
  stop.abort();
  await shop[Symbol.asyncDispose]();
});

async function apply(yaml: string): Promise<void> {
  const { code, stdout, stderr } = await cli.run(['apply', '-f', '-'], yaml);
  expect([code, stdout + stderr]).toEqual([0, expect.any(String)]);
}

function project(name: string, { metadata = '', spec = '' } = {}): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: ${name}, namespace: argocd${metadata}}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
${spec}`;
}

/** Conditions as a person sees them, by type. */
async function conditions(): Promise<Record<string, string>> {
  const found = (await getApplication(shop.platform, 'shop')).status?.conditions ?? [];
  return Object.fromEntries(found.map(({ type, message }) => [type, message]));
}

/** What the audit says of raw Secrets. */
async function audited(): Promise<object[]> {
  const { nats } = await connectAsHub(shop.platform, stop.signal);
  const { state } = await nats.manager.streams.info('AUDIT');
  const entries: { action: string }[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1)
    entries.push(JSON.parse((await nats.manager.streams.getMessage('AUDIT', { seq }))?.string() ?? '{}'));
  return entries.filter(({ action }) => action === 'take raw secrets from git');
}

test('a raw Secret is refused, let through by the name that its project gives, and told of', async () => {
  const before = await shop.state();
  await shop.push({ 'app/secret.yaml': secret });
  expect(await shop.whenConditionSays(/secret.*pull has its data in Git/)).not.toContain('hunter2');
  expect([await shop.state(), await audited()]).toEqual([before, []]);
  await apply(project('team', { metadata: ", annotations: {wheelhouse.dev/raw-secrets: 'default/other'}" }));
  expect(await shop.state()).toEqual(before);
  await apply(project('team', { metadata: ", annotations: {wheelhouse.dev/raw-secrets: 'default/pull'}" }));
  await eventually(async () => expect(await cli.succeed('app', 'get', 'shop')).toMatch(/Secret\b.*\bpull\b/), within);
  await eventually(async () => expect(await audited()).toMatchObject([{ by: 'project team', object: 'shop' }]), within);
  expect(JSON.stringify(await audited())).not.toContain('hunter2');
  await shop.push({ 'app/secret.yaml': null });
  await apply(project('team'));
  await shop.whenMended();
});

test('a token in plain sight is told of, and applied all the same', async () => {
  await shop.push({ 'app/config.yaml': configMap('shop', key) });
  await eventually(async () => expect(await shop.live()).toEqual({ shop: key }), within);
  await eventually(
    async () =>
      expect(await conditions()).toMatchObject({
        TokenInManifestWarning: expect.stringContaining('an AWS access key id') as string,
      }),
    within,
  );
  expect(JSON.stringify(await conditions())).not.toContain(key);
  expect(await cli.succeed('app', 'get', 'shop')).toContain('TokenInManifestWarning');
  await shop.push({ 'app/config.yaml': configMap('shop', 'two') });
  await shop.whenMended();
});

test('what a global project denies is denied to the projects that it selects', async () => {
  await apply(project('all', { spec: "  namespaceResourceBlacklist: [{group: '', kind: ConfigMap}]\n" }));
  const list = '[{projectName: all, labelSelector: {matchLabels: {tier: guarded}}}]';
  await apply(
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata: {globalProjects: '${list}'}\n`,
  );
  await shop.push({ 'app/config.yaml': configMap('shop', 'three') });
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'three' }), within);
  const before = await shop.state();
  await apply(project('team', { metadata: ', labels: {tier: guarded}' }));
  await shop.whenConditionSays(/ConfigMap.*project (team|all)/);
  await shop.push({ 'app/config.yaml': configMap('shop', 'four') });
  await shop.whenConditionSays(/ConfigMap.*project (team|all)/);
  expect(await shop.state()).toEqual(before);
  await apply(project('team'));
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'four' }), within);
  await shop.whenMended();
});
