import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import type { RenderOutcome } from '../store/derived.ts';
import { type ApplicationFields, applicationOf, indexedOf, outcomeOf } from '../testing/hub-state.ts';
import type { IndexedApplication } from './applications.ts';
import { factsOf } from './render-request.ts';
import { type Resolution, resolve } from './resolve.ts';

const project: AppProject = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: 'argocd' },
  spec: { namespaceResourceBlacklist: [{ group: '', kind: 'Secret' }] },
};
const secret = { group: '', kind: 'Secret', namespaced: true, names: ['db'] };
const child = { group: 'argoproj.io', kind: 'Application', namespaced: true, names: ['child'] };
const problem = { code: 'RenderFailed', message: 'helm failed' };

interface Given {
  indexed?: Partial<IndexedApplication>;
  fields?: ApplicationFields;
  outcome?: RenderOutcome | undefined;
}

function resolved({ indexed, fields, outcome }: Given): Resolution {
  const application = applicationOf('shop', fields);
  const app = indexedOf(application, { request: { key: 'key', facts: factsOf(application) }, ...indexed });
  return resolve(app, { derived: { render: () => outcome }, project: () => project });
}

const onHub = { cluster: 'in-cluster' };

describe('what an Application comes to', () => {
  it.each<[string, Given, { bundle?: string; hub?: string; problems?: string[] }]>([
    ['its bundle', { outcome: outcomeOf('key') }, { bundle: 'sha256:one' }],
    ['nothing before it is rendered', {}, {}],
    ['nothing before it is known what to render', { indexed: { request: undefined }, outcome: outcomeOf('key') }, {}],
    [
      'its problem',
      { indexed: { problem: { code: 'Invalid', message: 'no source' } }, outcome: outcomeOf('key') },
      { problems: ['no source'] },
    ],
    [
      'the last good bundle, and why there is no newer one',
      { outcome: outcomeOf('key', 'sha256:one', { problem }) },
      { bundle: 'sha256:one', problems: ['helm failed'] },
    ],
    [
      'a problem alone when it was never rendered',
      { outcome: { requestKey: 'key', kinds: [], warnings: [], problem } },
      { problems: ['helm failed'] },
    ],
    [
      'a refusal when its project forbids a kind',
      { outcome: outcomeOf('key', 'sha256:one', { kinds: [secret] }) },
      { problems: [expect.stringMatching(/application shop: .*Secret/) as string] },
    ],
    ['its bundle for the hub’s own cluster', { indexed: onHub, outcome: outcomeOf('key') }, { bundle: 'sha256:one' }],
    [
      'the children for the hub, the rest for its cluster',
      {
        indexed: onHub,
        outcome: outcomeOf('key', 'sha256:one', { kinds: [child], rest: { digest: 'sha256:rest', empty: false } }),
      },
      { bundle: 'sha256:rest', hub: 'sha256:one' },
    ],
    [
      'the children alone',
      {
        indexed: onHub,
        outcome: outcomeOf('key', 'sha256:one', { kinds: [child], rest: { digest: 'sha256:rest', empty: true } }),
      },
      { hub: 'sha256:one' },
    ],
    [
      'an empty parent, where no cluster could take it',
      { indexed: { ...onHub, hubOnly: true }, outcome: outcomeOf('key') },
      { hub: 'sha256:one' },
    ],
    [
      'objects for a cluster that is not registered, and how to register it',
      {
        indexed: { ...onHub, hubOnly: true },
        outcome: outcomeOf('key', 'sha256:one', { kinds: [{ ...secret, kind: 'ConfigMap' }] }),
      },
      { bundle: 'sha256:one', problems: [expect.stringContaining("'wheelhouse cluster token in-cluster'") as string] },
    ],
    [
      'children for the cluster that they name, where that is not the hub',
      { outcome: outcomeOf('key', 'sha256:one', { kinds: [child], rest: { digest: 'sha256:rest', empty: true } }) },
      { bundle: 'sha256:one' },
    ],
  ])('%s', (_name, given, { bundle, hub, problems = [] }) => {
    const { app, hubBundle, problems: found } = resolved(given);
    expect({ bundle: app?.bundle, hub: hubBundle, problems: found.map(({ message }) => message) }).toEqual({
      bundle,
      hub,
      problems,
    });
  });

  it.each<[string | undefined, number]>([
    [undefined, 0],
    ['5', 5],
    ['-3', -3],
    ['soon', 0],
  ])('with sync wave %j', (annotation, wave) => {
    const annotations = annotation === undefined ? {} : { 'argocd.argoproj.io/sync-wave': annotation };
    expect(resolved({ fields: { metadata: { annotations } }, outcome: outcomeOf('key') }).app?.wave).toBe(wave);
  });

  it('carries namespace, project, commit and warnings', () => {
    const given = {
      outcome: outcomeOf('key', 'sha256:one', { revisions: ['d00d'], warnings: ['skipped'], traceparent: 't' }),
    };
    const { app, revision, warnings, traceparent } = resolved(given);
    expect(app).toMatchObject({ app: 'shop', ns: 'default', project: 'default', revision: 'd00d' });
    expect({ revision, warnings, traceparent }).toEqual({ revision: 'd00d', warnings: ['skipped'], traceparent: 't' });
  });
});

describe('an Application that acts as a service account', () => {
  const user = { user: 'system:serviceaccount:shop:deployer' };
  const nobody = { problem: 'no account' };
  const parent = outcomeOf('key', 'sha256:one', { kinds: [child], rest: { digest: 'sha256:rest', empty: false } });

  it.each([[user], [nobody]])('says so to its cluster: %j', (actAs) => {
    const { app, problems } = resolved({ indexed: { actAs }, outcome: outcomeOf('key') });
    expect(app?.policy).toEqual({ syncOptions: [], actAs });
    expect(problems).toEqual([]);
  });

  it('gives its children to the hub only where its project names one', () => {
    expect(resolved({ indexed: { ...onHub, actAs: user }, outcome: parent }).hubBundle).toBe('sha256:one');
    const { app, hubBundle, problems } = resolved({ indexed: { ...onHub, actAs: nobody }, outcome: parent });
    expect([app?.bundle, hubBundle]).toEqual(['sha256:rest', undefined]);
    expect(problems).toEqual([{ code: 'NotPermitted', message: 'application shop: no account' }]);
  });
});

describe('files of other repositories', () => {
  const from = { repoURL: 'https://ada:secret-word@git.example/bases', targetRevision: 'main' };
  const outcome = outcomeOf('key');
  const [part] = outcome.record?.parts ?? [];
  const reading = {
    ...outcome,
    record: { ...outcome.record, parts: [{ ...part, inputs: [{ path: 'base', oid: 'o', from }] }] },
  } as RenderOutcome;
  const application = applicationOf('shop');
  const app = indexedOf(application, { request: { key: 'key', facts: factsOf(application) } });
  const resolvedIn = (sourceRepos: string[]) =>
    resolve(app, {
      derived: { render: () => reading },
      project: () => ({ ...project, spec: { ...project.spec, sourceRepos } }),
    });

  it('make manifests only where the project permits that repository', () => {
    expect(resolvedIn(['https://git.example/shop.git'])).toEqual({
      problems: [
        {
          code: 'NotPermitted',
          message:
            'application shop: its manifests are made with files of https://git.example/bases, which project default does not permit: add it to sourceRepos',
        },
      ],
      warnings: [],
    });
    expect(resolvedIn(['*']).app?.bundle).toBe('sha256:one');
  });
});

describe('a standby', () => {
  const withAnnotation = (value: string) => {
    const application = applicationOf('shop');
    const annotations = { 'wheelhouse.dev/standby': value };
    const metadata = { ...application.metadata, annotations };
    return resolved({ indexed: { application: { ...application, metadata } }, outcome: outcomeOf('key') });
  };

  it('is the same bundle with another policy', () => {
    expect(withAnnotation('true').app).toMatchObject({ bundle: 'sha256:one', policy: { standby: true } });
    for (const value of ['false', '']) expect(withAnnotation(value).app?.policy).not.toHaveProperty('standby');
  });

  it('is neither started nor stopped by what is no answer', () => {
    const { app, problems } = withAnnotation('yes');
    expect(app).toBeUndefined();
    expect(problems).toMatchObject([
      { code: 'Invalid', message: expect.stringContaining('"yes" is neither true nor false') },
    ]);
  });
});

it('ignores what its settings ignore besides what it ignores itself', () => {
  const own = { kind: 'Service', jsonPointers: ['/spec'] };
  const ignored = [{ kind: 'ConfigMap', jsonPointers: ['/data'] }];
  const fields = { spec: { ignoreDifferences: [own] } };
  const { app } = resolved({ indexed: { ignored }, fields, outcome: outcomeOf('key') });
  expect(app?.policy.ignoreDifferences).toEqual([own, ...ignored]);
});
