import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';
import { startRender } from './render-fixture.ts';

const kustomization = {
  'apps/x/kustomization.yaml': 'resources: [a.yaml]\n',
  'apps/x/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
};
const chart = { 'chart/Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n' };

describe('a tool that fails says why, in paths of the repository', () => {
  it.each([
    [
      'a patch for nothing',
      { ...kustomization, 'apps/x/kustomization.yaml': 'resources: [a.yaml]\npatches: [{path: gone.yaml}]\n' },
      'apps/x',
      /^kustomize build of apps\/x failed: .*no such file or directory$/su,
    ],
    [
      'a file outside of the kustomization',
      {
        ...kustomization,
        'apps/x/kustomization.yaml':
          'resources: [a.yaml]\nconfigMapGenerator: [{name: c, files: [../../secret.txt]}]\n',
        'secret.txt': 'x',
      },
      'apps/x',
      /security; file 'secret\.txt' is not in or below 'apps\/x'/u,
    ],
    [
      'a generator that is a program',
      {
        ...kustomization,
        'apps/x/kustomization.yaml': 'resources: [a.yaml]\ngenerators: [g.yaml]\n',
        'apps/x/g.yaml':
          'apiVersion: x/v1\nkind: Gen\nmetadata: {name: g, annotations: {config.kubernetes.io/function: "exec: {path: /bin/true}"}}\n',
      },
      'apps/x',
      /kustomize build of apps\/x failed/u,
    ],
    [
      'a template',
      { ...chart, 'chart/templates/a.yaml': 'a: {{ required "give me a port" .Values.port }}\n' },
      'chart',
      /^helm template of chart failed: .*demo\/templates\/a\.yaml:1:6\): give me a port$/su,
    ],
  ])('%s', async (...[, files, path, message]) => {
    await using fixture = await startRender(files);
    const failure = await fixture.render({ path }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'RenderFailed', message: expect.stringMatching(message) });
    expect(String(failure)).not.toContain(fixture.workspaces);
  });
});

describe('what a tool makes is checked', () => {
  it.each([
    [
      'a generated secret',
      { 'apps/x/kustomization.yaml': 'secretGenerator: [{name: db, literals: [a=b]}]\n' },
      'apps/x',
      'RawSecretRefused',
      'kustomize build of apps/x: document 1: secret db-',
    ],
    [
      'a secret of a chart',
      { ...chart, 'chart/templates/s.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n' },
      'chart',
      'RawSecretRefused',
      'chart: demo/templates/s.yaml document 1: secret s ',
    ],
    [
      'a template without kind',
      { ...chart, 'chart/templates/a.yaml': 'metadata: {name: a}\n' },
      'chart',
      'ManifestInvalid',
      'chart: demo/templates/a.yaml document 1: has no kind',
    ],
  ])('%s', async (...[, files, path, code, message]) => {
    await using fixture = await startRender(files);
    await expect(fixture.render({ path })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('links out of the repository', () => {
  it.each([
    ['straight', { 'chart/values-x.yaml': { symlink: '../../../etc/passwd' } }],
    ['absolute', { 'chart/values-x.yaml': { symlink: '/etc/passwd' } }],
    [
      'through another link',
      {
        'shallow/keep': '',
        'chart/a/b/c/up': { symlink: '../../../../shallow' },
        'chart/a/b/c/out': { symlink: 'up/../../../x' },
      },
    ],
  ])('%s', async (_name, files) => {
    await using fixture = await startRender({ ...chart, ...files });
    await expect(fixture.render({ path: 'chart' })).rejects.toMatchObject({ code: 'PathOutsideRepository' });
  });
});

describe('files of the hub', () => {
  const template = {
    'chart/templates/a.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {{ toYaml .Values.data | nindent 2 }}\n',
  };

  it('are not read by a value file whose name helm would take for two', async () => {
    await using own = await tempDir();
    const secret = join(own.path, 'secret.json');
    await writeFile(secret, '{"data": {"key": "of the hub"}}');
    const listed = `x,${secret}`;
    await using fixture = await startRender({
      ...chart,
      ...template,
      'chart/x': 'data: {key: of x}\n',
      [`chart/${listed}`]: 'data: {key: of the repository}\n',
    });
    const { manifests } = await fixture.render({ path: 'chart', helm: { valueFiles: [listed] } });
    expect(manifests[0]).toMatchObject({ data: { key: 'of the repository' } });
  });

  it('are not read through a link of a chart that is put into another', async () => {
    await using own = await tempDir();
    const secret = join(own.path, 'secret.txt');
    await writeFile(secret, 'of the hub');
    const deep = Array.from({ length: 30 }, () => 'd').join('/');
    const dependency = `dependencies: [{name: dep, version: 1.0.0, repository: "file://../${deep}"}]\n`;
    await using fixture = await startRender({
      ...chart,
      'chart/Chart.yaml': `${chart['chart/Chart.yaml']}${dependency}`,
      [`${deep}/Chart.yaml`]: 'apiVersion: v2\nname: dep\nversion: 1.0.0\n',
      [`${deep}/templates/a.yaml`]:
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {far: {{ .Files.Get "far" }}, near: {{ .Files.Get "near" }}}\n',
      [`${deep}/far`]: { symlink: `${'../'.repeat(30)}${secret.slice(1)}` },
      [`${deep}/near`]: { symlink: './kept' },
      [`${deep}/kept`]: 'beside it',
      [secret.slice(1)]: 'of the repository',
    });
    const { manifests } = await fixture.render({ path: 'chart' });
    expect(manifests[0]).toMatchObject({ data: { far: 'of the repository', near: 'beside it' } });
  });

  it('are not read by a file parameter whose name holds another', async () => {
    await using fixture = await startRender({ ...chart, ...template, 'chart/note.txt': 'a note' });
    const fileParameters = [{ name: 'data.key=/etc/hostname,data.note', path: 'note.txt' }];
    await expect(fixture.render({ path: 'chart', helm: { fileParameters } })).rejects.toMatchObject({
      code: 'Invalid',
      message:
        'helm.fileParameters: the name data.key=/etc/hostname,data.note holds "=" or ",": give each value its own entry',
    });
  });
});

/** A renderer whose kustomize is a shell script. */
async function startScripted(script: string, options: { timeoutMs?: number; outputBytes?: number } = {}) {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir());
  const kustomize = join(path, 'kustomize');
  await writeFile(kustomize, `#!/bin/sh\n${script}\n`);
  await chmod(kustomize, 0o755);
  const versions = { kustomize: '5.8.1', helm: '4.1.4' };
  const fixture = stack.use(
    await startRender(kustomization, { tools: { kustomize, helm: getTool('helm'), versions }, ...options }),
  );
  return { ...fixture, path, [Symbol.asyncDispose]: async () => await stack.disposeAsync() };
}

/** A process that nobody has waited for yet is dead too. */
async function isAlive(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !stat.includes(') Z');
}

describe('a child', () => {
  it('that hangs is killed with all that it started', async () => {
    await using fixture = await startScripted('/bin/sleep 600 &\necho $! > "$HOME/../../../pids"\nwait', {
      timeoutMs: 3_000,
    });
    await expect(fixture.render({ path: 'apps/x' })).rejects.toMatchObject({
      code: 'RenderTimeout',
      message: 'kustomize build of apps/x took longer than 3 s and was stopped',
    });
    const pid = await readFile(join(fixture.workspaces, 'pids'), 'utf8');
    await eventually(async () => expect(await isAlive(pid.trim())).toBe(false));
  });

  it('is stopped by its caller', async () => {
    await using fixture = await startScripted('/bin/sleep 600');
    await expect(fixture.render({ path: 'apps/x' }, {}, AbortSignal.timeout(300))).rejects.toMatchObject({
      code: 'Aborted',
    });
  });

  it('that never stops writing is stopped', async () => {
    await using fixture = await startScripted('while :; do echo "kind: ConfigMap"; done', { outputBytes: 1024 ** 2 });
    await expect(fixture.render({ path: 'apps/x' })).rejects.toMatchObject({
      code: 'TooLarge',
      message: 'kustomize build of apps/x wrote more than 1 MB',
    });
  });

  it('that needs too much memory fails alone', async () => {
    await using fixture = await startRender({ ...chart, 'chart/templates/a.yaml': '{{ repeat 2000000000 "aaaa" }}' });
    await expect(fixture.render({ path: 'chart' })).rejects.toMatchObject({
      code: 'RenderFailed',
      message: expect.stringMatching(
        /^helm template of chart was killed, or needs more memory than 512 MB: .*memory$/u,
      ),
    });
  });

  it('that says much is quoted in part', async () => {
    await using fixture = await startScripted(
      'i=0; while [ $i -lt 500 ]; do echo "line $i of trouble" >&2; i=$((i+1)); done; exit 3',
    );
    const failure = (await fixture.render({ path: 'apps/x' }).catch((error: unknown) => error)) as Error;
    expect(failure.message).toMatch(
      /^kustomize build of apps\/x failed: line 0 of trouble[\s\S]* … [\s\S]*line 499 of trouble$/u,
    );
    expect(failure.message.length).toBeLessThan(2_100);
  });

  it('has no network, no environment of ours, and a home that is gone afterwards', async () => {
    await using fixture = await startScripted(
      'printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: seen}\\ndata:\\n  variables: \\"%s\\"\\n  home: %s\\n  interfaces: \\"%s\\"\\n" "$(/usr/bin/env | /usr/bin/cut -d= -f1 | /usr/bin/tr "\\n" " ")" "$HOME" "$(/usr/bin/tail -n +3 /proc/net/dev | /usr/bin/cut -d: -f1 | /usr/bin/tr -d " \\n")"',
    );
    process.env.WHEELHOUSE_TEST_SECRET = 'hunter2';
    const { manifests } = await fixture.render({ path: 'apps/x' });
    const { variables, home, interfaces } = (manifests[0]?.['data'] ?? {}) as Record<string, string>;
    expect(variables).not.toContain('WHEELHOUSE_TEST_SECRET');
    expect(interfaces).toBe('lo');
    expect(home).toContain(fixture.workspaces);
    await expect(readdir(home ?? '')).rejects.toThrow('ENOENT');
  });
});
