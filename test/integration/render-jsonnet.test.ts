import { describe, expect, it } from 'vitest';
import { namesOf, startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
const files = {
  'app/main.jsonnet': `local lib = import 'names.libsonnet';
function(suffix='') [lib.configMap(name + suffix, std.extVar('team')) for name in ['a', 'b']]`,
  'app/plain.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n',
  'libraries/names.libsonnet': `local more = import '../shared/more.libsonnet';
{ configMap(name, team):: more + { metadata: { name: name, labels: { team: team } } } }`,
  'shared/more.libsonnet': "{ apiVersion: 'v1', kind: 'ConfigMap' }",
  'unrelated.txt': '1',
};
const jsonnet = {
  libs: ['libraries'],
  extVars: [{ name: 'team', value: '$ARGOCD_APP_NAME' }],
  tlas: [{ name: 'suffix', value: "'-' + std.toString(1 + 1)", code: true }],
};

describe('Jsonnet', () => {
  it('takes variables, arguments and libraries, beside plain manifests', async () => {
    await using fixture = await startRender(files);
    const rendered = await fixture.render({ path: 'app', directory: { jsonnet } });
    expect(namesOf(rendered)).toEqual(['ConfigMap/plain', 'ConfigMap/a-2', 'ConfigMap/b-2']);
    expect(rendered.manifests[1]).toMatchObject({ metadata: { labels: { team: 'web' } } });
  });

  it('depends upon what it imports, and nothing else', async () => {
    await using fixture = await startRender(files);
    const { record } = await fixture.render({ path: 'app', directory: { jsonnet } });
    const valid = async () => await fixture.renderer.stillValid(record, fixture.openLocation, signal);
    await fixture.commit({ 'unrelated.txt': '2', 'libraries/other.libsonnet': '{}' });
    expect(await valid()).toBe(true);
    await fixture.commit({ 'shared/more.libsonnet': "{ apiVersion: 'v1', kind: 'Service' }" });
    expect(await valid()).toBe(false);
  });

  it.each([
    [
      'an error in the text',
      { 'app/main.jsonnet': '{ a: }' },
      'RenderFailed',
      'jsonnet of app/main.jsonnet failed: app/main.jsonnet:1',
    ],
    [
      'an import that is not there',
      { 'app/main.jsonnet': "import 'gone.libsonnet'" },
      'RenderFailed',
      'gone.libsonnet',
    ],
    [
      'an import out of the repository',
      { 'app/main.jsonnet': "import '../../etc/passwd'" },
      'PathOutsideRepository',
      'app/main.jsonnet: import',
    ],
    ['a variable that is not given', { 'app/main.jsonnet': "std.extVar('gone')" }, 'RenderFailed', 'gone'],
  ])('refuses %s', async (...[, change, code, message]) => {
    await using fixture = await startRender({ ...files, ...change });
    await expect(fixture.render({ path: 'app' })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['by an absolute path', "importstr '/etc/hostname'"],
    ['with escapes', String.raw`importstr '\u002fetc/hostname'`],
    ['from an imported file of another name', "import 'evil.txt'"],
    ['upwards with escapes', String.raw`importstr '\u002e\u002e/\u002e\u002e/\u002e\u002e/\u002e\u002e/etc/hostname'`],
  ])("cannot read the hub's own files %s", async (_name, text) => {
    const evil = { 'app/main.jsonnet': text, 'app/evil.txt': "importstr '/etc/hostname'" };
    await using fixture = await startRender({ ...files, ...evil });
    await expect(fixture.render({ path: 'app' })).rejects.toThrow(/couldn't open import/u);
  });

  it('says what to do where it is not installed', async () => {
    await using fixture = await startRender(files, {
      tools: { kustomize: '', helm: '', versions: { kustomize: '5', helm: '4' } },
    });
    await expect(fixture.render({ path: 'app' })).rejects.toMatchObject({
      code: 'ToolMissing',
      message: expect.stringContaining('app/main.jsonnet needs jsonnet, which is not installed on the hub'),
    });
  });
});
