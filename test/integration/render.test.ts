import { fileURLToPath } from 'node:url';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFiles } from '../support/git-repository.ts';
import { namesOf, type RenderFixture, startRender } from './render-fixture.ts';

const repositories = fileURLToPath(new URL('../../../shared/fixtures/repos', import.meta.url));
let fixture: RenderFixture;
const signal = new AbortController().signal;
beforeAll(async () => {
  fixture = await startRender(await readFiles(repositories));
});
afterAll(async () => await fixture[Symbol.asyncDispose]());

const find = (manifests: readonly KubeObject[], kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);

describe('public repositories', () => {
  it.each([
    ['podinfo by kustomize', { path: 'podinfo/kustomize' }, 'Kustomize', 3, 'Deployment/podinfo'],
    ['podinfo by Helm', { path: 'podinfo/charts/podinfo' }, 'Helm', 5, 'Deployment/web-podinfo'],
    [
      'podinfo web application',
      { path: 'podinfo/deploy/webapp', directory: { recurse: true } },
      'Directory',
      11,
      'Deployment/frontend',
    ],
    ['online-boutique, one file', { path: 'online-boutique/release' }, 'Directory', 35, 'Deployment/cartservice'],
    [
      'online-boutique, plain',
      { path: 'online-boutique/kubernetes-manifests', directory: { exclude: 'kustomization.yaml' } },
      'Directory',
      35,
      'Service/redis-cart',
    ],
    ['online-boutique by kustomize', { path: 'online-boutique/kustomize' }, 'Kustomize', 35, 'Deployment/adservice'],
    [
      'online-boutique with four components',
      { path: 'online-boutique/kustomize/tests/spanner-with-all-components' },
      'Kustomize',
      49,
      'NetworkPolicy/deny-all',
    ],
    ['online-boutique by Helm', { path: 'online-boutique/helm-chart' }, 'Helm', 36, 'Service/frontend-external'],
  ])('%s', async (...[, source, sourceType, count, member]) => {
    const rendered = await fixture.render(source);
    expect(rendered).toMatchObject({ sourceTypes: [sourceType], warnings: [] });
    expect(namesOf(rendered)).toContain(member);
    expect(rendered.manifests).toHaveLength(count);
    expect(JSON.parse(rendered.bytes.toString())).toEqual(rendered.manifests);
  });
});

describe('kustomize', () => {
  it('carries every option of the Application', async () => {
    const { manifests, record } = await fixture.render({
      path: 'podinfo/kustomize',
      kustomize: {
        namePrefix: 'p-',
        nameSuffix: '-s',
        namespace: 'blue',
        images: ['ghcr.io/stefanprodan/podinfo=registry.example/podinfo:v9'],
        replicas: [{ name: 'podinfo', count: 5 }],
        commonLabels: { team: '$ARGOCD_APP_NAME', tier: 'front' },
        labelWithoutSelector: true,
        labelIncludeTemplates: true,
        commonAnnotations: { at: '${ARGOCD_APP_REVISION_SHORT}' },
        commonAnnotationsEnvsubst: true,
        patches: [{ target: { kind: 'Service' }, patch: '- op: add\n  path: /spec/type\n  value: NodePort\n' }],
      },
    });
    const deployment = find(manifests, 'Deployment', 'p-podinfo-s');
    expect(deployment).toMatchObject({
      metadata: {
        namespace: 'blue',
        labels: { team: 'web', tier: 'front' },
        annotations: { at: record.parts[0]?.revision?.slice(0, 7) },
      },
      spec: {
        replicas: 5,
        selector: { matchLabels: { app: 'podinfo' } },
        template: {
          metadata: { labels: { team: 'web' } },
          spec: { containers: [{ image: 'registry.example/podinfo:v9' }] },
        },
      },
    });
    expect(deployment).not.toHaveProperty('spec.selector.matchLabels.team');
    expect(find(manifests, 'Service', 'p-podinfo-s')).toMatchObject({ spec: { type: 'NodePort' } });
    const snapshot = await fixture.snapshot();
    expect(
      await fixture.renderer.stillValid(record, () => Promise.resolve({ ...snapshot, sha: '0'.repeat(40) }), signal),
    ).toBe(false);
  });

  it('adds components, and leaves out missing ones when told to', async () => {
    const { manifests, warnings } = await fixture.render({
      path: 'online-boutique/kustomize',
      kustomize: { components: ['components/cymbal-branding', 'components/gone'], ignoreMissingComponents: true },
    });
    expect(JSON.stringify(find(manifests, 'Deployment', 'frontend'))).toContain('CYMBAL_BRANDING');
    expect(warnings).toEqual(['kustomize.components: components/gone does not exist and was left out']);
  });

  it('replaces what the kustomization says rather than adding to it', async () => {
    await using small = await startRender({
      'a/kustomization.yaml': 'namePrefix: old-\nresources: [../b]\n',
      'b/kustomization.yaml': 'resources: [cm.yaml]\n',
      'b/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n',
    });
    expect(namesOf(await small.render({ path: 'a', kustomize: { namePrefix: 'new-' } }))).toEqual(['ConfigMap/new-x']);
  });

  it('depends upon its folder and what it builds upon, and nothing else', async () => {
    const { record } = await fixture.render({
      path: 'online-boutique/kustomize/tests/spanner-with-all-components',
    });
    expect(record.parts[0]?.inputs.map(({ path }) => path.replace('online-boutique/kustomize/', '')).sort()).toEqual([
      'base',
      'components/cymbal-branding',
      'components/google-cloud-operations',
      'components/network-policies',
      'components/spanner',
      'tests/spanner-with-all-components',
    ]);
    await fixture.commit({ 'online-boutique/kustomize/components/memorystore/new.yaml': 'a: b\n', 'readme.md': 'x' });
    expect(await fixture.renderer.stillValid(record, fixture.snapshot, signal)).toBe(true);
    await fixture.commit({ 'online-boutique/kustomize/components/spanner/readme.md': 'x' });
    expect(await fixture.renderer.stillValid(record, fixture.snapshot, signal)).toBe(false);
  });
});

describe('helm', () => {
  const chart = {
    'chart/Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n',
    'chart/values.yaml': 'from: chart\n',
    'chart/envs/a.yaml': 'from: a\n',
    'chart/envs/b.yaml': 'from: b\n',
    'common/values.yaml': 'from: common\n',
    'chart/note.txt': 'a note',
    'chart/crds/crd.yaml':
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.com}\n',
    'chart/templates/cm.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  from: {{ .Values.from | quote }}\n  extra: {{ .Values.extra | default "" | quote }}\n  kube: {{ .Capabilities.KubeVersion.Version }}\n  apis: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}\n',
    'chart/templates/hook.yaml':
      'apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}\n',
    'chart/templates/tests/t.yaml':
      'apiVersion: v1\nkind: Pod\nmetadata: {name: check, annotations: {helm.sh/hook: test}}\n',
  };
  let small: RenderFixture;
  beforeAll(async () => {
    small = await startRender(chart);
  });
  afterAll(async () => await small[Symbol.asyncDispose]());

  it.each([
    ['the chart', {}, { from: 'chart' }],
    ['a value file', { valueFiles: ['envs/a.yaml'] }, { from: 'a' }],
    [
      'the last of value files',
      { valueFiles: ['/common/values.yaml', '../common/values.yaml', 'envs/*.yaml'] },
      { from: 'b' },
    ],
    [
      'an explicit file after the pattern that matches it',
      { valueFiles: ['envs/*.yaml', 'envs/a.yaml'] },
      { from: 'a' },
    ],
    ['missing value files', { valueFiles: ['no.yaml', 'no/*.yaml'], ignoreMissingValueFiles: true }, { from: 'chart' }],
    ['values', { valueFiles: ['envs/a.yaml'], values: 'from: values\n' }, { from: 'values' }],
    ['valuesObject', { values: 'from: values\n', valuesObject: { from: 'object' } }, { from: 'object' }],
    [
      'parameters',
      { valuesObject: { from: 'object' }, parameters: [{ name: 'from', value: 'p,$ARGOCD_APP_NAME' }] },
      { from: 'p,web' },
    ],
    ['a string parameter', { parameters: [{ name: 'from', value: '1e3', forceString: true }] }, { from: '1e3' }],
    ['a file parameter', { fileParameters: [{ name: 'extra', path: 'note.txt' }] }, { extra: 'a note' }],
    ['the Kubernetes version', { kubeVersion: '1.30.1' }, { kube: 'v1.30.1' }],
    ['the API versions', { apiVersions: ['example.com/v1'] }, { apis: 'true' }],
  ])('takes values from %s', async (_name, helm, data) => {
    const { manifests } = await small.render({ path: 'chart', helm });
    expect(find(manifests, 'ConfigMap', 'web')).toMatchObject({ metadata: { namespace: 'shop' }, data });
  });

  it('keeps hooks and CRDs, and drops what is skipped', async () => {
    const all = namesOf(await small.render({ path: 'chart', helm: {} }));
    expect(all.sort()).toEqual(['ConfigMap/web', 'CustomResourceDefinition/x.example.com', 'Job/migrate', 'Pod/check']);
    const some = namesOf(
      await small.render({
        path: 'chart',
        helm: { skipTests: true, skipCrds: true, releaseName: 'r', namespace: 'ns' },
      }),
    );
    expect(some.sort()).toEqual(['ConfigMap/r', 'Job/migrate']);
  });

  it('renders once for 500 Applications that give the same names', async () => {
    const helm = { releaseName: 'same', namespace: 'same' };
    const all = await Promise.all(
      Array.from(
        { length: 500 },
        async (_, index) =>
          await small.render({ path: 'chart', helm }, { appName: `app-${index}`, namespace: `ns-${index}` }),
      ),
    );
    expect(new Set(all.map(({ bytes }) => bytes)).size).toBe(1);
    expect(new Set(all.map(({ record }) => record.requestKey)).size).toBe(1);
  });

  it('depends upon the chart and its value files, present or not', async () => {
    const helm = { valueFiles: ['/common/values.yaml', '/common/later.yaml'], ignoreMissingValueFiles: true };
    const { record } = await small.render({ path: 'chart', helm });
    const valid = async () => await small.renderer.stillValid(record, small.snapshot, signal);
    await small.commit({ 'common/other.yaml': 'from: other\n' });
    expect(await valid()).toBe(true);
    await small.commit({ 'common/later.yaml': 'from: later\n' });
    expect(await valid()).toBe(false);
    expect((await small.render({ path: 'chart', helm })).manifests).toContainEqual(
      expect.objectContaining({ data: expect.objectContaining({ from: 'later' }) }),
    );
  });

  it('uses dependencies that are vendored or lie in the repository', async () => {
    const library = {
      'library/Chart.yaml': 'apiVersion: v2\nname: library\nversion: 1.0.0\n',
      'library/templates/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-library}\n',
    };
    const dependencies = 'dependencies:\n- {name: library, version: 1.0.0, repository: "file://../library"}\n';
    await using local = await startRender({
      ...library,
      'app/Chart.yaml': `apiVersion: v2\nname: app\nversion: 1.0.0\n${dependencies}`,
    });
    const rendered = await local.render({ path: 'app' });
    expect(namesOf(rendered)).toEqual(['ConfigMap/of-library']);
    expect(rendered.record.parts[0]?.inputs.map(({ path }) => path)).toEqual(['app', 'library']);
    const vendored = Object.fromEntries(Object.entries(library).map(([path, text]) => [`app/charts/${path}`, text]));
    await local.commit(vendored);
    expect(namesOf(await local.render({ path: 'app' }))).toEqual(['ConfigMap/of-library']);
  });
});
