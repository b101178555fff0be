import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '@wheelhouse/hub/api/api-server';
import { createApiServer } from '@wheelhouse/hub/api/server';
import { adminToken, createFakeDeps, type FakeDeps, fakeView } from '@wheelhouse/hub/api/testing/fake-deps';
import { fakePlan } from '@wheelhouse/hub/api/testing/fake-plans';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './program.ts';

let deps: FakeDeps;
let server: ApiServer;
let cwd: string;
let url: string;

beforeEach(async () => {
  deps = createFakeDeps();
  server = await createApiServer(deps);
  await server.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  cwd = await mkdtemp(join(tmpdir(), 'wheelhouse-cli-'));
  await mkdir(join(cwd, '.wheelhouse'));
  await write('.wheelhouse/admin-token', `${adminToken}\n`);
  await write('.wheelhouse/context.json', JSON.stringify({ server: url, tokenFile: 'admin-token' }));
  return async () => {
    await server.close();
    await rm(cwd, { recursive: true });
  };
});

async function write(name: string, text: string): Promise<void> {
  await mkdir(join(cwd, name, '..'), { recursive: true });
  await writeFile(join(cwd, name), text);
}

interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  signal?: AbortSignal;
  /** What the person at the terminal says; there is none when absent. */
  answer?: string;
}

async function run(
  line: string,
  { env = {}, input = '', answer, signal = new AbortController().signal }: RunOptions = {},
) {
  let out = '';
  let err = '';
  const code = await runCli(line.split(' ').filter(Boolean), {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    ask: async (question) => {
      err += question;
      return answer;
    },
    readInput: async () => input,
    env: { HOME: cwd, ...env },
    cwd,
    signal,
  });
  return { code, out, err };
}

const project = 'apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata:\n  name: shop\nspec: {}\n';
const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: guestbook
spec:
  source: { repoURL: https://git.example/apps, path: guestbook }
  destination: { name: us-east }
`;

describe('finding the hub', () => {
  it('by the demo’s context in the current directory, then by the one at home', async () => {
    expect((await run('app list')).out).toBe('no Applications\n');
    await rm(join(cwd, '.wheelhouse/context.json'));
    await write('.config/wheelhouse/context.json', JSON.stringify({ server: url, token: adminToken }));
    expect((await run('app list')).code).toBe(0);
  });

  it.each([
    ['flags', (file: string) => ({ flags: ` --server ${url} --token-file ${file}`, env: {} })],
    ['variables', (file: string) => ({ flags: '', env: { WHEELHOUSE_SERVER: url, WHEELHOUSE_TOKEN_FILE: file } })],
    ['a token in a variable', () => ({ flags: ` --server ${url}`, env: { WHEELHOUSE_TOKEN: adminToken } })],
  ])('by %s', async (_name, given) => {
    await rm(join(cwd, '.wheelhouse/context.json'));
    const { flags, env } = given('.wheelhouse/admin-token');
    expect(await run(`app list${flags}`, { env })).toMatchObject({ code: 0, err: '' });
  });

  it('never sends a context’s token to another server', async () => {
    const other = url.replace('127.0.0.1', 'localhost');
    expect(await run(`app list --server ${other}`)).toMatchObject({
      code: 4,
      err: expect.stringContaining('a bearer token is required') as string,
    });
  });

  it.each([
    ['no context at all', '--context none.json', 1, 'none.json cannot be read'],
    ['a context of another kind', '--context bad.json', 1, 'bad.json is not a hub’s context'],
    [
      'a token file that is not there',
      `--context .wheelhouse/context.json --token-file none`,
      1,
      'the token cannot be read from',
    ],
    [
      'a hub that is not running',
      '--server http://127.0.0.1:1 --token x',
      3,
      'cannot be reached: nothing listens there',
    ],
    ['a wrong token', '--context .wheelhouse/context.json --token wrong', 4, 'the bearer token is not valid'],
  ])('says what is wrong with %s', async (...[, flags, code, message]) => {
    await write('bad.json', '{"url":"x"}');
    const result = await run(`app list ${flags}`);
    expect(result).toMatchObject({ code, out: '' });
    expect(result.err.replaceAll("'", '’')).toContain(message);
    expect(result.err.trim().split('\n')).toHaveLength(1);
  });

  it('says how to get one when none is known', async () => {
    await rm(join(cwd, '.wheelhouse/context.json'));
    expect((await run('app list')).err).toMatch(
      /^Error: no hub is known: start one with 'npm start' or 'wheelhouse hub', or name it with --server/,
    );
  });
});

describe('output', () => {
  const lists = [
    'app list',
    'appset list',
    'project list',
    'cluster list',
    'cluster tokens',
    'repo list',
    'resource list',
  ];
  it.each([...lists, 'plan list', 'app get cart', 'cluster get us-east', 'version'])(
    '%s as JSON and as YAML',
    async (line) => {
      deps.applications.set(fakeView({ name: 'cart' }));
      const [json, yaml] = [await run(`${line} -o json`), await run(`${line} -o yaml`)];
      expect([json.code, yaml.code, json.err, yaml.err]).toEqual([0, 0, '', '']);
      const value: unknown = JSON.parse(json.out);
      expect(parseYaml(yaml.out)).toEqual(value);
      expect(Array.isArray(value)).toBe(line.endsWith('list') || line.endsWith('tokens'));
    },
  );

  it('the version of the command line itself needs no hub', async () => {
    await rm(join(cwd, '.wheelhouse/context.json'));
    expect(await run('--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });
});

describe('usage', () => {
  it.each([
    ['an unknown command', 'frobnicate', 2, 'unknown command'],
    ['an unknown option', 'app list --colour', 2, 'unknown option'],
    ['a missing argument', 'app get', 2, 'missing required argument'],
    ['an unknown format', 'app list -o xml', 2, 'Allowed choices are table, json, yaml'],
    ['a duration that is none', 'app wait a --timeout soon', 2, 'write a duration'],
    ['a label that is none', 'cluster label us-east x', 1, '"x" is not a label'],
    ['neither names nor --all', 'app wait', 1, 'or say --all'],
  ])('refuses %s', async (...[, line, code, message]) => {
    const result = await run(line);
    expect(result.code).toBe(code);
    expect(result.err).toContain(message);
  });

  it('shows help without an error', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('appset') as string });
  });

  it('shows details of an error when asked', async () => {
    expect((await run('app get none --verbose')).err).toMatch(/code: NotFound\n {2}details: {"status":404}/);
  });
});

describe('apply', () => {
  it('sends a directory with all below it, in order, and says what became of each object', async () => {
    await write('fleet/b/app.yaml', application);
    await write('fleet/a.yml', `${project}---\n`);
    await write('fleet/README.md', 'not a manifest');
    expect(await run('apply -f fleet')).toEqual({
      code: 0,
      err: '',
      out: 'appproject/shop created\napplication/guestbook created\n',
    });
    expect((await run('apply -f fleet')).out).toBe('appproject/shop unchanged\napplication/guestbook unchanged\n');
  });

  it('loses nothing when one object is bad, names file and line, and fails in the end', async () => {
    await write('a.yaml', `${project}---\n${application.replace('path:', 'pth:')}`);
    await write('b.yaml', application);
    const result = await run('apply -f a.yaml b.yaml none.yaml');
    expect(result.code).toBe(1);
    expect(result.out).toBe('appproject/shop created\napplication/guestbook created\n');
    expect(result.err).toContain(
      'Error: a.yaml:6: Application argocd/guestbook: spec.source.pth: unknown field, did you mean "path"?\n',
    );
    expect(result.err).toContain('none.yaml');
  });

  it('reads standard input, warns, and changes nothing in a dry run', async () => {
    const input = 'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\n';
    const result = await run('apply --dry-run -f -', { input });
    expect(result.out).toBe('rollout/r created (dry run)\n');
    expect(result.err).toMatch(/^Warning: Rollout argocd\/r: accepted and kept, but Rollout is not built yet/);
    expect(deps.specs.all.size).toBe(0);
  });

  it.each([
    ['an empty file', 'empty.yaml', 'there is nothing to apply'],
    ['an empty directory', 'folder', 'no .yaml, .yml, .json file is below folder'],
  ])('refuses %s', async (_name, file, message) => {
    await write('empty.yaml', '\n');
    await write('folder/README.md', '');
    expect(await run(`apply -f ${file}`)).toMatchObject({ code: 1, err: expect.stringContaining(message) as string });
  });

  it('stops at once when the hub does not know us', async () => {
    await write('a.yaml', application);
    expect(await run('apply -f a.yaml a.yaml --token wrong')).toMatchObject({ code: 4, out: '' });
  });

  it('prints answers as JSON, and deletes what files or names say', async () => {
    await write('a.yaml', `${project}---\n${application}`);
    const answers = JSON.parse((await run('apply -f a.yaml -o json')).out) as object[];
    expect(answers).toMatchObject([
      { file: 'a.yaml', line: 1, name: 'shop', result: 'created' },
      { line: 6, result: 'created' },
    ]);
    expect((await run('delete app guestbook')).out).toBe('application/guestbook deleted\n');
    expect(await run('delete -f a.yaml')).toMatchObject({
      code: 1,
      out: 'appproject/shop deleted\n',
      err: expect.stringContaining('does not exist') as string,
    });
  });
});

describe('app', () => {
  beforeEach(() => {
    deps.applications.set(fakeView({ name: 'cart', ageMs: 3_000 }));
    deps.applications.set(
      fakeView({ name: 'web', namespace: 'team', cluster: 'eu-west', stale: true, ageMs: 14 * 60_000 }),
    );
  });

  it('lists with the age of the news, and marks what is stale', async () => {
    const lines = (await run('app list')).out.split('\n').map((line) => line.split(/ {3,}/));
    expect(lines).toEqual([
      ['NAME', 'CLUSTER', 'PROJECT', 'SYNC', 'HEALTH', 'REVISION', 'STATUS AGE'],
      ['cart', 'us-east', 'default', 'Synced', 'Healthy', 'abc123', '3s'],
      ['team/web', 'eu-west', 'default', 'Synced', 'Healthy as of 14m ago', 'abc123', '14m'],
      [''],
    ]);
  });

  it.each([
    ['a cluster', '--cluster eu-west', ['team/web']],
    ['a namespace', '-N argocd', ['cart']],
    ['sync and health', '--sync OutOfSync --health Degraded', []],
    ['a project', '-p default -p shop', ['cart', 'team/web']],
  ])('lists by %s', async (_name, flags, names) => {
    const { out } = await run(`app list -o json ${flags}`);
    const found = JSON.parse(out) as { metadata: { name: string; namespace: string } }[];
    expect(
      found.map(({ metadata }) =>
        metadata.namespace === 'argocd' ? metadata.name : `${metadata.namespace}/${metadata.name}`,
      ),
    ).toEqual(names);
  });

  it('shows one as a page and as YAML', async () => {
    const { out } = await run('app get team/web');
    expect(out).toMatch(/^Name: +team\/web\n/);
    expect(out).toContain('Healthy as of 14m ago');
    expect(out).toMatch(/apps +Deployment +shop +web/);
    expect((await run('app get cart -o yaml')).out).toMatch(/^apiVersion: argoproj.io\/v1alpha1\nkind: Application\n/);
    await run('app get cart --refresh hard');
    expect(deps.calls).toEqual(['refresh cart hard=true by admin']);
  });

  it('shows a diff and answers with its own exit code', async () => {
    expect(await run('app diff cart')).toEqual({ code: 0, out: '', err: '' });
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
    deps.diffs.push({ ref, kind: 'changed', live: {}, desired: {}, text: '-x: 2\n+x: 1\n' });
    expect(await run('app diff cart')).toEqual({ code: 6, err: '', out: 'changed ConfigMap shop/a\n-x: 2\n+x: 1\n\n' });
  });

  it('deletes with and without resources, and terminates', async () => {
    await run('app delete cart');
    await run('app delete cart --no-cascade');
    await run('app terminate cart');
    expect(deps.calls).toEqual([
      'delete cart cascade=true by admin',
      'delete cart cascade=false by admin',
      'terminate cart by admin',
    ]);
  });

  it('syncs without waiting, with what was asked', async () => {
    const { out } = await run(
      'app sync cart --async --prune --resource apps:Deployment:shop/web --option Replace=true',
    );
    expect(out).toBe('application cart: sync asked for\n');
    expect(deps.calls).toEqual([
      'sync cart by admin: {"prune":true,"dryRun":false,"force":false,"syncOptions":["Replace=true"],"resources":[{"group":"apps","kind":"Deployment","name":"web","namespace":"shop"}]}',
    ]);
    expect((await run('app sync cart --resource web')).err).toContain('write GROUP:KIND:NAME');
  });

  it.each([
    ['Succeeded', 0, 'out'],
    ['Failed', 1, 'err'],
  ] as const)('syncs and waits until that very operation has %s', async (phase, code, channel) => {
    const ended = (id: string) => {
      const view = fakeView({ name: 'cart' });
      Object.assign(view.application.status ?? {}, {
        operationState: { phase, message: 'said so', startedAt: 'x', operation: { info: [{ name: 'id', value: id }] } },
      });
      return view;
    };
    deps.applications.set(ended('an older one'));
    const waiting = run('app sync cart');
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    deps.applications.set(ended('operation-1'));
    const result = await waiting;
    expect(result.code).toBe(code);
    expect(result[channel]).toBe(`application cart: sync ${phase}: said so\n`);
  });
});

describe('app wait', () => {
  it('answers at once when all is well', async () => {
    deps.applications.set(fakeView({ name: 'cart' }));
    expect(await run('app wait cart')).toEqual({ code: 0, err: '', out: 'application cart: Synced, Healthy\n' });
  });

  it('follows the stream until each is Synced and Healthy, even one that does not exist yet', async () => {
    deps.applications.set(fakeView({ name: 'cart', sync: 'OutOfSync' }));
    const waiting = run('app wait cart team/web');
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    deps.applications.set(fakeView({ name: 'web', namespace: 'team' }));
    deps.applications.set(fakeView({ name: 'cart' }));
    expect(await waiting).toMatchObject({
      code: 0,
      out: 'application team/web: Synced, Healthy\napplication cart: Synced, Healthy\n',
    });
  });

  it('waits for all that match, and for one at least', async () => {
    const waiting = run('app wait --all --cluster us-east --health');
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    deps.applications.set(fakeView({ name: 'other', cluster: 'eu-west', health: 'Degraded' }));
    deps.applications.set(fakeView({ name: 'cart', sync: 'OutOfSync' }));
    expect(await waiting).toMatchObject({ code: 0, out: 'application cart: OutOfSync, Healthy\n' });
  });

  it('does not take old news for good news, and says in the end what it waited for', async () => {
    deps.applications.set(fakeView({ name: 'cart', stale: true, ageMs: 840_000 }));
    deps.applications.set(fakeView({ name: 'web', health: 'Progressing' }));
    const result = await run('app wait cart web gone --timeout 2s');
    expect(result.code).toBe(5);
    expect(result.err).toContain(
      'cart: nothing was heard from cluster us-east for 14m (Synced, Healthy as of 14m ago)',
    );
    expect(result.err).toContain('web: Synced, Progressing');
    expect(result.err).toContain('gone: does not exist yet');
  });

  it('goes on when the hub was away in between', async () => {
    deps.applications.set(fakeView({ name: 'cart', health: 'Progressing' }));
    const waiting = run('app wait cart');
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    const { port } = server.server.address() as AddressInfo;
    await server.close();
    deps = createFakeDeps();
    deps.applications.set(fakeView({ name: 'cart' }));
    server = await createApiServer(deps);
    await server.listen({ host: '127.0.0.1', port });
    expect(await waiting).toMatchObject({ code: 0, out: 'application cart: Synced, Healthy\n' });
  });

  it('ends with Ctrl-C', async () => {
    const interrupt = new AbortController();
    const waiting = run('app wait gone', { signal: interrupt.signal });
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    interrupt.abort();
    expect(await waiting).toMatchObject({ code: 130, err: '' });
  });
});

describe('the other groups', () => {
  it('hub adoption: what was taken over, what nothing explains, and what becomes of it', async () => {
    const { out } = await run('hub adoption');
    expect(out).toMatch(/Adoption: +Open\n/);
    expect(out).toMatch(/Unknown clusters: +nobody\n/);
    expect(out).toMatch(/us-east +\d+d ago +7 +1 +-/);
    expect(out).toMatch(/us-west .* did not answer/);
    expect(out).toMatch(/us-east +web +default +shop +0123456789ab\n/);
    expect((await run('hub adoption release us-east web --keep')).out).toBe(
      'web on us-east: let go, what it runs stays\n',
    );
    expect((await run('hub adoption release us-east --all --remove --confirm 1')).out).toContain('to be removed');
    await run('hub adoption open --reason backup');
    expect((await run('hub adoption close')).out).toMatch(/Adoption: +Closed/);
    expect(deps.calls).toEqual([
      'release us-east web keep by admin confirm=undefined',
      'release us-east all remove by admin confirm=1',
      'open adoption by admin: backup',
      'close adoption by admin',
    ]);
  });

  it.each([
    ['neither', 'us-east web', 'either --keep or --remove'],
    ['both', 'us-east web --keep --remove', 'either --keep or --remove'],
    ['no application', 'us-east --keep', 'or say --all'],
    ['a name and all', 'us-east web --all --keep', 'or say --all'],
    ['what is not there', 'us-east gone --keep', 'holds no adopted application'],
    ['an unknown cluster', 'nowhere web --keep', 'not in the inventory'],
    ['no count', 'us-east web --remove --confirm x', 'is not a number'],
  ])('hub adoption release refuses %s', async (...[, args, message]) => {
    const { code, err } = await run(`hub adoption release ${args}`);
    expect(code).not.toBe(0);
    expect(err).toContain(message);
  });

  it('cluster history: who, what, why', async () => {
    const { out } = await run('cluster history us-east');
    expect(out).toMatch(/ann +role=standby +drill/);
    expect(out).toMatch(/bob +role- \(was standby\), annotation a=y \(was x\) +-/);
    expect(await run('cluster annotate us-east x')).toMatchObject({ code: 1 });
    expect(await run('cluster history nowhere')).toMatchObject({ code: 1 });
  });

  it('cluster get: what it has', async () => {
    const cluster = deps.clusters.all.get('us-east');
    if (!cluster) throw new Error('no us-east');
    const inventory = {
      nodes: 3,
      allocatable: { cpuMillis: 12_000, memoryBytes: 24 * 2 ** 30 },
      requested: { cpuMillis: 4_500, memoryBytes: 6.5 * 2 ** 30 },
      apiGroups: ['apps', 'batch'],
    };
    deps.clusters.all.set('us-east', { ...cluster, inventory, refusedLabels: ['tier'] });
    const { out } = await run('cluster get us-east');
    expect(out).toMatch(/Nodes: +3\n/);
    expect(out).toMatch(/CPU: +4.5 requested of 12 \(37%\)\n/);
    expect(out).toMatch(/Memory: +6.5Gi requested of 24Gi \(27%\)\n/);
    expect(out).toMatch(/API groups: +apps, batch\n/);
    expect(out).toMatch(/Refused labels: +tier:/);
    expect(JSON.parse((await run('cluster get us-east -o json')).out)).toMatchObject({ inventory });
    expect((await run('cluster get eu-west')).out).toMatch(/Inventory: +not reported/);
  });

  it('cluster: list, get, label, token', async () => {
    expect((await run('cluster list')).out).toMatch(/us-east +Connected .* 3 +2 +0 .*region=us-east/);
    expect((await run('cluster list -l !region')).out).not.toContain('us-east');
    expect((await run('cluster get us-east')).out).toContain('Applications:  3: 3 Synced, 2 Healthy, 0 stale');
    expect((await run('cluster label us-east tier=gold region-')).out).toBe('cluster us-east labelled: tier=gold\n');
    expect((await run('cluster annotate us-east owner=core')).out).toBe('cluster us-east annotated: owner=core\n');
    for (const change of ['label us-east tier=tin', 'annotate us-east owner=none'])
      expect((await run(`cluster ${change} --dry-run`)).out).toMatch(/^nothing is set: this moves no Application/);
    await run('cluster label us-east tier=silver --reason cheaper');
    expect(deps.calls.slice(-2)).toEqual([
      'annotate us-east {"owner":"core"} by admin',
      'label us-east {"tier":"silver"} by admin',
    ]);
    const made = await run('cluster token new --label region=x --label env=prod --expires 1h');
    expect(made).toMatchObject({ out: 'wh1.secret\n', err: expect.stringContaining('valid once, until') as string });
    expect((await run('cluster token us-east --replace')).out).toBe('wh1.secret\n');
    expect(deps.calls).toContain('token that replaces us-east by admin');
  });

  it('changes the identity of clusters', async () => {
    const lines = [
      'cluster approve us-east',
      'cluster revoke us-east --reason stolen',
      'cluster rotate-key us-east',
      'cluster rename us-east us-1 --force',
      'cluster remove us-east --keep-workloads --force',
      'cluster remove us-east --remove-workloads',
      'cluster revoke-token token-1',
    ];
    for (const line of lines) expect((await run(line)).code).toBe(0);
    expect(deps.calls).toEqual([
      'approve us-east by admin',
      'revoke us-east by admin: stolen',
      'new key of us-east by admin',
      'rename us-east us-1 force=true by admin',
      'remove us-east {"removeWorkloads":false,"force":true} by admin',
      'remove us-east {"removeWorkloads":true,"force":false} by admin',
      'revoke token-1 by admin',
    ]);
    expect((await run('cluster tokens')).out).toMatch(/^no tokens/);
  });

  it.each([
    ['cluster remove us-east', 1, 'say what becomes of what us-east runs'],
    ['cluster remove us-east --keep-workloads --remove-workloads', 1, 'say what becomes'],
    ['cluster revoke us-east', 2, '--reason'],
    ['cluster token eu-* --allow-label zone=', 1, 'allows no label'],
  ])('refuses: %s', async (line, code, message) => {
    const { err, ...ended } = await run(line);
    expect([ended.code, err]).toEqual([code, expect.stringContaining(message)]);
    expect(deps.calls).toEqual([]);
  });

  it('says in a token what an agent may choose', async () => {
    const made = await run('cluster token eu-* --allow-label zone=a|b --allow-label rack --approval -o json');
    expect(JSON.parse(made.out)).toMatchObject({
      cluster: 'eu-*',
      allowedLabels: { zone: ['a', 'b'], rack: ['*'] },
      approval: true,
    });
  });

  it('appset: list, get, release, delete', async () => {
    await write(
      'set.yaml',
      'apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: fleet}\nspec:\n  generators: [{matrix: {generators: [{git: {repoURL: x, revision: HEAD, directories: []}}, {clusters: {}}]}}]\n  template: {metadata: {name: a}, spec: {project: default, destination: {}, source: {repoURL: x}}}\n',
    );
    await run('apply -f set.yaml');
    expect((await run('appset list')).out).toMatch(/fleet +matrix\(git,clusters\) +- +up to date/);
    expect((await run('appset get fleet')).out).toContain('ParametersGenerated True');
    expect((await run('appset release fleet')).out).toBe('applicationset fleet: held deletions released\n');
    expect((await run('appset delete fleet')).out).toBe('applicationset fleet deleted\n');
  });

  it('project: list, get', async () => {
    await write(
      'project.yaml',
      project.replace('{}', "{sourceRepos: ['*'], destinations: [{server: 'https://c', namespace: shop}]}"),
    );
    await run('apply -f project.yaml');
    expect((await run('project list')).out).toMatch(/shop +- +\* +https:\/\/c\/shop/);
    expect((await run('project get shop')).out).toMatch(/^name: +shop\nrepositories: +\*\n/);
  });

  it('repo: add, list, rm, without ever showing a credential', async () => {
    const added = await run('repo add https://git.example/apps --username robot --password-stdin', {
      input: 'hunter2\n',
    });
    expect(added.out).toBe('repository https://git.example/apps added\n');
    expect(JSON.stringify(deps.specs.list())).toContain('"password":"hunter2"');
    const listed = await run('repo list -o json');
    expect(listed.out).toContain('https://git.example/apps');
    expect(listed.out).not.toContain('hunter2');
    expect((await run('repo rm https://git.example/apps')).out).toBe('repository https://git.example/apps removed\n');
  });

  it('resource list and version', async () => {
    await write('a.yaml', project);
    await run('apply -f a.yaml');
    expect((await run('resource list --kind AppProject')).out).toMatch(/AppProject +shop .* admin/);
    expect((await run('version')).out).toMatch(/^wheelhouse: .*\nhub: +0\.1\.0\n/);
  });
});

describe('plans', () => {
  const label = 'cluster label us-east role=active';

  it('are shown and asked for, or started by a script that says so', async () => {
    const asked = await run(label, { answer: 'y' });
    expect(asked.err).toBe('start plan p1? [y/N] ');
    expect(asked.out).toMatch(
      /^Plan p1: 1 leave, 1 arrive, 0 change in place\n\nCLUSTER .*\nus-east +role +standby +active\n/,
    );
    expect(asked.out).toMatch(/LEAVES .*\nshop-eu-west +eu-west +Surge +60s/);
    expect(asked.out).toMatch(/plan p1 started: Relabelling; follow it with 'wheelhouse plan get p1'\n$/);
    expect((await run(`${label} --yes`)).err).toBe('');
    expect((await run('cluster annotate us-east role=active --yes')).err).toBe('');
    expect(deps.calls).toEqual(['start p1 by admin', 'start p1 by admin', 'start p1 by admin']);
  });

  it('are for some Applications where labels are', async () => {
    expect((await run(`${label} --app team=shop --yes`)).out).toMatch(
      /only Applications of 'team=shop' see these labels\n/,
    );
    expect((await run('cluster label us-east tier=gold --app team=shop')).out).toBe(
      'cluster us-east labelled for team=shop: region=us-east,tier=gold\n',
    );
  });

  it.each<[string, string, RunOptions, object]>([
    ['a no', label, { answer: 'n' }, { code: 0, out: expect.stringContaining("'wheelhouse plan start p1' starts it") }],
    ['a dry run', `${label} --dry-run`, {}, { code: 0, out: expect.stringContaining('is not started') }],
    ['nobody to ask', label, {}, { code: 1, err: expect.stringContaining('nobody is there to confirm: say --yes') }],
  ])('are not started by %s', async (...[_what, line, options, expected]) => {
    expect(await run(line, options)).toMatchObject(expected);
    expect(deps.calls).toEqual([]);
  });

  it('are not started over a finding that blocks, unless it is accepted', async () => {
    const message = '1 Application would run nowhere any more: shop';
    const findings = [{ severity: 'blocks' as const, code: 'EmptiesPlacement' as const, message }];
    deps.plans.all.set('p1', fakePlan({ findings }));
    const refused = await run('plan start p1 --yes');
    expect(refused).toMatchObject({ code: 1, err: `Error: plan p1 is not started: ${message}\n` });
    expect(refused.out).toContain(`blocks: EmptiesPlacement: ${message}\n`);
    expect((await run('plan start p1 --yes --accept Overload,EmptiesPlacement')).code).toBe(0);
  });

  it('of a failover, and their whole life', async () => {
    const from =
      'failover --from region=eu --to region=us --reason flood --soak 5s --deadline 9m --on-deadline Abort --yes';
    expect((await run(from)).out).toMatch(/a step that takes longer than 9m aborts it\n[^]*plan p1 started/);
    expect((await run('plan get p1')).out).toMatch(/Aborts when late: +after 9m in a step/);
    expect((await run(from.replace('Abort', 'abort'))).err).toMatch(/Allowed choices are Pause, Abort/);
    expect((await run('plan list')).out).toMatch(/^ID .*\np1 +Relabelling +0 % +0\/1 +0\/1 .*flood/);
    expect((await run('plan pause p1 --reason lunch')).out).toBe('plan p1: Paused, Relabelling\n');
    expect((await run('plan wait p1')).err).toBe('Error: plan p1 is paused by admin: lunch\n');
    expect((await run('plan resume p1')).out).toMatch(/Arriving/);
    expect((await run('plan get p1')).out).toMatch(/Waits for: +what arrives/);
    expect((await run('plan abort p1')).out).toBe('plan p1: Paused, Arriving (back)\n');
    expect((await run('plan fail-back p1')).out).toBe('plan p1: Paused, Arriving (back)\n');
    expect((await run('plan withdraw p1 shop')).code).toBe(0);
    expect(deps.calls).toEqual([
      'failover region=eu to region=us by admin',
      'start p1 by admin',
      'pause p1 by admin: lunch',
      'resume p1 by admin',
      'abort p1 by admin: ',
      'fail back p1 by admin',
      'withdraw shop of p1 by admin',
    ]);
    expect((await run('plan get p9')).err).toBe('Error: there is no plan p9\n');
  });

  it('are followed to their end', async () => {
    deps.plans.all.set('p1', fakePlan({ phase: 'Arriving' }));
    const waiting = run('plan wait p1');
    await expect.poll(() => deps.plans.reads).toBeGreaterThan(0);
    deps.plans.all.set('p1', fakePlan({ phase: 'Completed' }));
    expect((await waiting).out).toBe(' 10 %  Arriving       0/1 Healthy, 0/1 withdrawn\nplan p1: Completed, 100 %\n');
    deps.plans.all.set('p1', fakePlan({ phase: 'Arriving' }));
    expect(await run('plan wait p1 --timeout 2s')).toMatchObject({
      code: 5,
      err: 'Error: plan p1 is still Arriving; it waits for not started yet\n',
    });
  });
});
