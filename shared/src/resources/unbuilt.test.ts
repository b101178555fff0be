import { expect, it } from 'vitest';
import { parseResource } from './parse.ts';

const project = (spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'shop' },
  spec,
});

it.each([
  ['roles, and not orphans', { roles: [{ name: 'dev' }], orphanedResources: { warn: true } }, ['roles']],
  ['nothing unbuilt', { sourceRepos: ['*'], roles: [], permitOnlyProjectScopedClusters: false }, []],
])('warns of fields of a project without effect: %s', (...[, spec, fields]) => {
  const { warnings } = parseResource(project(spec), { unknownFields: 'refuse' });
  expect(warnings).toEqual(
    fields.map((field) => `AppProject argocd/shop: spec.${field} is not built yet and has no effect`),
  );
});

it('warns of a sync window whose time zone nobody knows', () => {
  const window = { kind: 'deny', schedule: '* * * * *', duration: '1h', clusters: ['*'] };
  const windows = [window, { ...window, timeZone: 'Mars/Base' }, { ...window, timeZone: 'Europe/Berlin' }];
  const { warnings } = parseResource(project({ syncWindows: windows }), { unknownFields: 'refuse' });
  expect(warnings).toEqual([
    'AppProject argocd/shop: spec.syncWindows: there is no time zone "Mars/Base"; such a window counts as UTC',
  ]);
});

it('warns of a rule of orphaned resources that ignores nothing', () => {
  const ignore = [{ kind: 'ConfigMap', name: 'tmp-[' }, { group: '*.example.com', kind: '{A,B}' }, { name: 'tmp-[' }];
  const { warnings } = parseResource(project({ orphanedResources: { ignore } }), { unknownFields: 'refuse' });
  expect(warnings).toEqual([
    'AppProject argocd/shop: spec.orphanedResources.ignore: "tmp-[" is no pattern, and ignores nothing',
  ]);
});

it('warns of the settings that have no effect, and of no other', () => {
  const data = {
    'application.sync.impersonation.enabled': 'true',
    globalProjects: '[]',
    'kustomize.buildOptions': '',
    'resource.exclusions': '',
  };
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data };
  const { warnings } = parseResource(settings, { unknownFields: 'refuse' });
  expect(warnings).toEqual([expect.stringMatching(/these settings have no effect yet: resource\.exclusions$/)]);
});
