import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { loadPlugins } from '@wheelhouse/hub/render/plugins/load-plugins';
import type { RendererOptions } from '@wheelhouse/hub/render/render';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';
import { namesOf, type RenderFixture, startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
const versions = { kustomize: '5.8.1', helm: '4.1.4', jsonnet: '0.22.0' };

/** A definition, by name; its fields as YAML. */
type Definitions = Record<string, string>;

interface PluginFixture extends RenderFixture {
  /** Of files on the hub that no plugin may see. */
  hidden: string;
}

/** A renderer with these plugins; `bin` are programs that the operator gives them. */
async function start(
  given: { plugins: Definitions; files: RepositoryFiles; bin?: Record<string, string>; linkedBin?: boolean },
  options: Partial<RendererOptions> = {},
  programs: { kustomize?: string } = {},
): Promise<PluginFixture> {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir());
  for (const [name, spec] of Object.entries(given.plugins))
    await writeFile(join(path, `${name}.yaml`), define(name, spec));
  const bin = given.linkedBin ? 'elsewhere' : 'bin';
  if (given.bin) await mkdir(join(path, bin));
  if (given.linkedBin) await symlink(bin, join(path, 'bin'));
  for (const [name, text] of Object.entries(given.bin ?? {}))
    await writeFile(join(path, bin, name), text, { mode: 0o755 });
  const hidden = join(path, 'hidden');
  await writeFile(hidden, 'a key of the hub');
  const tools = {
    kustomize: getTool('kustomize'),
    helm: getTool('helm'),
    jsonnet: getTool('jsonnet'),
    versions,
    ...programs,
  };
  const plugins = await loadPlugins(path, versions);
  const fixture = stack.use(await startRender(given.files, { tools: { ...tools, plugins }, ...options }));
  const close = stack.move();
  return { ...fixture, hidden, [Symbol.asyncDispose]: async () => await close.disposeAsync() };
}

const define = (name: string, spec: string) =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: ${name}}\nspec:\n${spec}\n`;
/** A plugin whose `generate` is this shell script. */
const shell = (script: string, more = '') =>
  `  generate:\n    command: [sh, -c]\n    args:\n      - |\n${script.replaceAll(/^/gmu, '        ')}\n${more}`;
/** Prints a ConfigMap with what these commands print. */
const print = (script: string) =>
  shell(
    `cat <<END\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\ndata:\n  text: "$( (${script}) 2>&1 | tr '\\n' ' ')"\nEND`,
  );
const textOf = async (fixture: RenderFixture, source: Parameters<RenderFixture['render']>[0]) =>
  (await fixture.render(source)).manifests[0]?.['data'] as { text: string };
/** Of every process on this machine. */
const commandLines = async () =>
  await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/u.test(name))
      .map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
const files = { 'apps/web/input.txt': 'hello', 'shared/base.txt': 'base', 'other.txt': '1' };
const web = { path: 'apps/web', plugin: { name: 'x' } };

describe('a plugin', () => {
  it('runs init, then generate, in the folder of the source, and what generate writes is the manifests', async () => {
    const init =
      '  init: {command: [sh, -c], args: ["echo not a manifest; cat input.txt ../../shared/base.txt > made"]}\n';
    await using fixture = await start({ plugins: { x: `${init}${print('cat made; pwd')}` }, files });
    expect(await textOf(fixture, web)).toEqual({ text: 'hellobase/repository/apps/web ' });
  });

  it('has the build environment, its variables and parameters, and nothing else', async () => {
    await using fixture = await start({ plugins: { x: print('env | sort | cut -d= -f1') }, files });
    const plugin = {
      name: 'x',
      env: [{ name: 'TEAM', value: 'shop' }],
      parameters: [
        { name: 'tag', string: '1' },
        { name: 'files', array: ['a'] },
        { name: 'images', map: { web: '2' } },
      ],
    };
    const { text } = await textOf(fixture, { path: 'apps/web', targetRevision: 'main', plugin });
    expect(text.trim().split(' ')).toEqual([
      'ARGOCD_APP_NAME',
      'ARGOCD_APP_NAMESPACE',
      'ARGOCD_APP_PARAMETERS',
      'ARGOCD_APP_PROJECT_NAME',
      'ARGOCD_APP_REVISION',
      'ARGOCD_APP_REVISION_SHORT',
      'ARGOCD_APP_REVISION_SHORT_8',
      'ARGOCD_APP_SOURCE_PATH',
      'ARGOCD_APP_SOURCE_REPO_URL',
      'ARGOCD_APP_SOURCE_TARGET_REVISION',
      'ARGOCD_ENV_TEAM',
      'HOME',
      'PARAM_FILES_0',
      'PARAM_IMAGES_WEB',
      'PARAM_TAG',
      'PATH',
      'PWD',
      'TMPDIR',
    ]);
  });

  it("finds the operator's programs, the hub's tools, and those of the machine", async () => {
    const bin = { 'say-hello': '#!/bin/sh\necho hello from the operator\n' };
    await using fixture = await start({
      plugins: { x: print('say-hello; helm version --short; kustomize version') },
      files,
      bin,
    });
    expect(await textOf(fixture, web)).toEqual({
      text: expect.stringMatching(/^hello from the operator v4\S+ v5\S+ $/u),
    });
  });

  it.each([
    ['keeps what is executable if it says so', '  preserveFileMode: true\n', 'ran '],
    ['makes nothing executable otherwise', '', 'no '],
  ])('%s', async (_name, more, text) => {
    const script = { 'apps/web/run.sh': { executable: '#!/bin/sh\necho ran\n' } };
    await using fixture = await start({
      plugins: { x: `${more}${print('if [ -x run.sh ]; then ./run.sh; else echo no; fi')}` },
      files: { ...files, ...script },
    });
    expect(await textOf(fixture, web)).toEqual({ text });
  });
});

describe('a plugin is confined', () => {
  it('sees nothing of the disk but the files and programs', async () => {
    await using fixture = await start({
      plugins: { x: print('ls /; ls /home /plugins /repository; ls /proc | grep -c "^[0-9]"') },
      files,
    });
    const { text } = await textOf(fixture, web);
    expect(text).toMatch(/^bin dev etc home lib (?:lib32 |lib64 |libx32 )*proc repository sbin tmp tools usr/u);
    expect(text).not.toMatch(/\b(?:root|work|var|run|data)\b/u);
  });

  it.each([
    ["a file of the hub's", (hidden: string) => `cat ${hidden}`, 'No such file'],
    ['a file by way of a parent folder', () => 'cat ../../../../../etc/passwd', 'No such file'],
    ['the file system of another process', () => 'cd /proc/1 && ls root/old', 'No such file'],
    ['writing to programs', () => 'touch /usr/bin/evil', 'Read-only file system'],
    ['mounting', () => 'mount -t tmpfs none /usr || echo refused', 'refused'],
    ['a namespace of its own with more rights', () => 'unshare --mount true', 'Operation not permitted'],
    ['leaving by chroot', () => 'chroot . true', 'Operation not permitted'],
    ['a device', () => 'mknod disk b 254 0', 'Operation not permitted'],
  ])('refuses %s', async (_name, script, refusal) => {
    await using probe = await start({ plugins: { x: print('true') }, files });
    await using fixture = await start({ plugins: { x: print(script(probe.hidden)) }, files });
    expect((await textOf(fixture, web)).text).toContain(refusal);
  });

  it('has no network', async () => {
    await using server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const connect = `bash -c 'echo > /dev/tcp/127.0.0.1/${port}' && echo connected`;
    await using fixture = await start({
      plugins: { x: print(`${connect}; ls /sys/class/net; cat /proc/net/dev | wc -l`) },
      files,
    });
    const { text } = await textOf(fixture, web);
    expect(text).toMatch(/Network is unreachable|Connection refused/u);
    expect(text).not.toContain('connected');
  });

  it('leaves no process behind, not even one that left its group', async () => {
    const seconds = `77${process.pid}`;
    const script = `setsid sleep ${seconds} >/dev/null 2>&1 &\necho '{apiVersion: v1, kind: ConfigMap, metadata: {name: made}}'`;
    await using fixture = await start({ plugins: { x: shell(script) }, files });
    expect(namesOf(await fixture.render(web))).toEqual(['ConfigMap/made']);
    await eventually(async () => expect(await commandLines()).not.toContain(`sleep\0${seconds}\0`));
  });

  const mark = `66${process.pid}`;
  it.each([
    [
      // bash tries for seconds where sh gives up when it cannot fork, and such a bomb may be over between two looks
      'a fork bomb',
      `bash -c 'bomb() { bomb | bomb & }; bomb; sleep ${mark}'`,
      'ran more than 256 processes and threads and was stopped',
    ],
    [
      'a fork bomb that nobody waits for',
      `bomb() { bomb & bomb & sleep ${mark}; }; bomb`,
      'ran more than 256 processes and threads',
    ],
    [
      'many processes that each keep to their bound',
      `for i in 1 2 3 4; do (head -c 100000000 /dev/zero | tail | sleep ${mark}) & done; wait`,
      'needed more memory than 256 MB for all of its processes and was stopped',
    ],
  ])('ends %s with its reason, and nothing of it is left', async (_name, script, reason) => {
    const plugins = { x: shell(script), well: print('echo well') };
    await using fixture = await start({ plugins, files }, { memoryBytes: 128 * 1024 ** 2 });
    const message = expect.stringContaining(`plugin x of apps/web ${reason}`) as string;
    await expect(fixture.render(web)).rejects.toMatchObject({ code: 'RenderFailed', message });
    await eventually(async () => expect((await commandLines()).filter((line) => line.includes(mark))).toEqual([]));
    expect(await textOf(fixture, { path: 'apps/web', plugin: { name: 'well' } })).toEqual({ text: 'well ' });
  });

  it('runs as many processes as it may', async () => {
    const script = 'for i in $(seq 200); do sleep 2 & done; wait; echo done';
    await using fixture = await start({ plugins: { x: print(script) }, files });
    expect(await textOf(fixture, web)).toEqual({ text: 'done ' });
  });

  it('has its processes counted by the kernel, apart from those of everybody else', async () => {
    const more = 'ulimit -p 20; for i in $(seq 40); do sleep 5 & done; echo all';
    await using fixture = await start({
      plugins: { x: print(`grep processes /proc/self/limits; sh -c '${more}'`) },
      files,
    });
    const { text } = await textOf(fixture, web);
    expect(text).toMatch(/^Max processes +512 +512 .*Cannot fork/u);
    expect(text).not.toContain('all');
  });

  it('cannot fill the disk', async () => {
    await using fixture = await start({ plugins: { x: print('dd if=/dev/zero of=/tmp/big bs=1M count=600') }, files });
    expect((await textOf(fixture, web)).text).toContain('No space left on device');
  });
});

describe('a plugin that fails', () => {
  it.each([
    [
      'with a code and a reason',
      shell('echo "no such stack: prod" >&2\nexit 3'),
      {},
      'RenderFailed',
      'plugin x of apps/web failed: no such stack: prod',
    ],
    [
      'in init',
      `  init: {command: [sh, -c], args: ['echo bad input >&2; exit 1']}\n${shell('echo "{}"')}`,
      {},
      'RenderFailed',
      'plugin x of apps/web failed: bad input',
    ],
    ['without a word', shell('exit 4'), {}, 'RenderFailed', 'plugin x of apps/web failed: exit code 4'],
    [
      'because a program is not there',
      '  generate: {command: [no-such-program]}',
      {},
      'RenderFailed',
      'no-such-program: not found',
    ],
    [
      'by never ending',
      shell('setsid sleep 600 & sleep 600'),
      { timeoutMs: 1_500 },
      'RenderTimeout',
      'plugin x of apps/web took longer than 1.5 s and was stopped',
    ],
    [
      'by writing without end',
      shell('cat /dev/zero'),
      { outputBytes: 1024 ** 2 },
      'TooLarge',
      'plugin x of apps/web wrote more than 1 MB',
    ],
    [
      'by needing too much memory',
      shell('head -c 300000000 /dev/zero | tail'),
      { memoryBytes: 128 * 1024 ** 2 },
      'RenderFailed',
      'memory',
    ],
    [
      'by writing no manifest',
      shell('echo "just: text"'),
      {},
      'ManifestInvalid',
      'plugin x of apps/web: document 1: has no kind',
    ],
    [
      'by writing a secret',
      shell('echo "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}"'),
      {},
      'RawSecretRefused',
      'plugin x of apps/web: document 1: secret s ',
    ],
  ])('%s', async (...[, spec, options, code, message]) => {
    await using fixture = await start({ plugins: { x: spec }, files }, options);
    const failure = await fixture.render(web).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(String(failure)).not.toContain(fixture.workspaces);
  });

  it.each([
    ['is not there', { name: 'y' }, 'there is no plugin y; there are: a-v1, x'],
    [
      'does not find itself meant',
      { name: 'a-v1' },
      'plugin a-v1 is not for apps/web: its discovery finds nothing there',
    ],
    [
      'is not named and not found',
      {},
      'no plugin is for apps/web: name one in spec.source.plugin.name; there are: a-v1, x',
    ],
  ])('because it %s', async (_name, plugin, message) => {
    const plugins = { x: print('true'), a: `  version: v1\n  discover: {fileName: nothing}\n${print('true')}` };
    await using fixture = await start({ plugins, files });
    await expect(fixture.render({ path: 'apps/web', plugin })).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining(message),
    });
  });

  it('because the hub has none', async () => {
    await using fixture = await startRender(files);
    await expect(fixture.render(web)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('there is no plugin x; this hub has none (setting plugins)'),
    });
  });
});

describe('parameters that a plugin says it has', () => {
  const facts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
  const parameters = (dynamic: string) =>
    `  parameters:\n    static: [{name: tag, string: latest}]\n    dynamic:\n      command: [sh, -c]\n      args: [${JSON.stringify(dynamic)}]\n`;
  const describeWeb = async (dynamic: string, source: object = web) => {
    await using fixture = await start({ plugins: { x: `${parameters(dynamic)}${print('true')}` }, files });
    const snapshot = await fixture.snapshot();
    const given = { repoURL: 'https://git.example/repo', ...source };
    return await fixture.renderer.describe({ source: given, snapshot, facts }, signal);
  };

  it('are those that its command prints in the folder, then those of its definition', async () => {
    const printed = `printf '[{"name": "%s", "string": "%s"}]' "$(cat input.txt ../../shared/base.txt)" "$ARGOCD_ENV_TEAM"`;
    const plugin = { name: 'x', env: [{ name: 'TEAM', value: '$ARGOCD_APP_NAME' }] };
    expect(await describeWeb(printed, { ...web, plugin })).toEqual({
      type: 'Plugin',
      parameters: [
        { name: 'hellobase', string: 'web' },
        { name: 'tag', string: 'latest' },
      ],
    });
  });

  it.each([
    ['fails', 'echo not today >&2; exit 1', 'plugin x of apps/web: parameters.dynamic failed: not today'],
    ['prints no JSON', 'echo tag', 'parameters.dynamic printed no JSON'],
    ['never ends', 'sleep 60', 'parameters.dynamic took longer than 10 s'],
  ])('are told with the reason when the command %s', async (_name, dynamic, message) => {
    await expect(describeWeb(dynamic)).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });

  it('are nothing of a source that is for no plugin', async () => {
    expect(await describeWeb('exit 1', { path: 'apps/web', directory: {} })).toEqual({ type: 'Directory' });
  });
});

it('a plugin finds programs that are links on this machine', async () => {
  await using scratch = await tempDir();
  const linked = join(scratch.path, 'kustomize');
  await symlink(getTool('kustomize'), linked);
  const programs = { 'say.sh': '#!/bin/sh\necho said\n' };
  const plugins = { x: print('say.sh; kustomize version >/dev/null && echo built') };
  await using fixture = await start({ plugins, files, bin: programs, linkedBin: true }, {}, { kustomize: linked });
  expect(await textOf(fixture, web)).toEqual({ text: 'said built ' });
});

describe('a source that names no tool', () => {
  const chart = { ...files, 'apps/web/Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n' };
  const find = (command: string) => `  discover: {find: {command: [sh, -c, "${command}"]}}\n`;
  it.each([
    ['a file name, before a chart', { x: `  discover: {fileName: "in*.txt"}\n${print('echo by-name')}` }, ['Plugin']],
    [
      'the first plugin by name',
      { b: `  discover: {fileName: "*"}\n${print('false')}`, a: `  discover: {find: {glob: "**"}}\n${print('true')}` },
      ['Plugin'],
    ],
    ['a command that prints something', { x: `${find('ls Chart.yaml')}${print('true')}` }, ['Plugin']],
    ['no plugin whose command prints nothing', { x: `${find('true')}${print('true')}` }, ['Helm']],
    ['no plugin whose command fails', { x: `${find('echo yes; exit 1')}${print('true')}` }, ['Helm']],
    ['no plugin that says nothing of what it is for', { x: print('true') }, ['Helm']],
  ])('goes to %s', async (_name, plugins, expected) => {
    await using fixture = await start({ plugins, files: chart });
    expect((await fixture.render({ path: 'apps/web' })).sourceTypes).toEqual(expected);
  });

  it.each([
    ['takes too long', 'sleep 60'],
    ['is a program that is not there', 'no-such-program'],
    ['is ended by a signal', 'kill -KILL $$'],
    ['ends everything around it', 'kill -KILL 0; kill -KILL -1; sleep 60'],
  ])('goes to nobody while a plugin gives no answer: its command %s', async (_name, command) => {
    await using fixture = await start(
      { plugins: { x: `${find(command)}${print('true')}` }, files: chart },
      { timeoutMs: 5_000 },
    );
    await expect(fixture.render({ path: 'apps/web' })).rejects.toMatchObject({
      code: 'RenderFailed',
      message: expect.stringContaining('plugin x: discover.find.command in apps/web gave no answer: '),
    });
  });
});

describe('a render by a plugin', () => {
  const valid = async (fixture: RenderFixture, record: Awaited<ReturnType<RenderFixture['render']>>['record']) =>
    await fixture.renderer.stillValid(record, fixture.openLocation, signal);

  it('depends upon every file, and the commit', async () => {
    await using fixture = await start({ plugins: { x: print('true') }, files });
    const { record } = await fixture.render(web);
    expect(await valid(fixture, record)).toBe(true);
    await fixture.commit({ 'other.txt': '2' });
    expect(await valid(fixture, record)).toBe(false);
  });

  it('depends upon what manifest-generate-paths names, and sees nothing else', async () => {
    await using fixture = await start({ plugins: { x: print('ls /repository /repository/*') }, files });
    const rendered = await fixture.render(web, { generatePaths: '/shared/*.txt' });
    expect(rendered.manifests[0]).toMatchObject({ data: { text: expect.not.stringContaining('other.txt') } });
    expect(rendered.manifests[0]).toMatchObject({ data: { text: expect.stringContaining('base.txt') } });
    await fixture.commit({ 'other.txt': '2' });
    expect(await valid(fixture, rendered.record)).toBe(true);
    await fixture.commit({ 'shared/more.txt': '2' });
    expect(await valid(fixture, rendered.record)).toBe(false);
  });

  it('is made again by another definition, another program or another parameter, and shared with nobody', async () => {
    const versionOf = async (text: string, program: string) => {
      await using fixture = await start({ plugins: { x: print(text) }, files, bin: { tool: program } });
      const { record } = await fixture.render(web);
      await using other = await start({ plugins: { x: print('true; true') }, files });
      expect(await valid(other, record)).toBe(false);
      return record.parts[0]?.toolVersion;
    };
    const found = [
      await versionOf('true', '1'),
      await versionOf('false', '1'),
      await versionOf('true', '2'),
      await versionOf('true', '1'),
    ];
    expect(new Set(found.slice(0, 3)).size).toBe(3);
    expect(found[3]).toBe(found[0]);
    await using fixture = await start({ plugins: { x: print('echo $PARAM_A $ARGOCD_APP_NAME') }, files });
    const made = async (value: string, appName: string) => {
      const plugin = { name: 'x', parameters: [{ name: 'a', string: value }] };
      return (await fixture.render({ path: 'apps/web', plugin }, { appName })).record.requestKey;
    };
    expect(new Set([await made('1', 'web'), await made('2', 'web'), await made('1', 'api')]).size).toBe(3);
    expect(await made('1', 'web')).toBe(await made('1', 'web'));
  });

  it('may be one of several sources', async () => {
    await using fixture = await start({ plugins: { x: print('true') }, files });
    expect(namesOf(await fixture.render(web))).toEqual(['ConfigMap/made']);
  });
});
