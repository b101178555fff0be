import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { describe, expect, it } from 'vitest';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { type Evaluation, type GenerateInput, generate } from './generate.ts';

type Spec = ApplicationSet['spec'];

const template: Spec['template'] = {
  metadata: { name: '{{ .name }}-app' },
  spec: {
    project: 'team',
    source: { repoURL: 'https://git.example.com/r.git', path: '{{ .path }}', targetRevision: 'main' },
    destination: { server: 'https://a.example.com', namespace: '{{ .name }}' },
    syncPolicy: { retry: { limit: 5, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } } },
  },
};

function setOf(spec: Partial<Spec>): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd', uid: 'u-1' },
    spec: { goTemplate: true, goTemplateOptions: ['missingkey=error'], generators: [], template, ...spec },
  };
}

const clusters = ['eu-1', 'us-1'].map((name) => ({
  name,
  server: `https://${name}.example.com`,
  labels: { environment: name.startsWith('eu') ? 'production' : 'staging' },
  annotations: {},
}));

function run(spec: Partial<Spec>, input: Partial<GenerateInput> = {}): Promise<Evaluation> {
  const git = { snapshot: () => Promise.reject(new Error('no repository in this test')) };
  return generate({ applicationSet: setOf(spec), clusters, git, signal: new AbortController().signal, ...input });
}

function listOf(...elements: unknown[]): Partial<Spec> {
  return { generators: [{ list: { elements } }] };
}

/** A repository of files, given as path and content. */
function repository(files: Record<string, string>): Snapshot {
  const paths = new Set(
    Object.keys(files).flatMap((path) => path.split('/').map((_, i, all) => all.slice(0, i + 1).join('/'))),
  );
  const entries = [...paths].sort().map((path): TreeEntry => {
    const type = path in files ? 'file' : 'tree';
    return { path, name: path.slice(path.lastIndexOf('/') + 1), oid: path, type, mode: '100644' };
  });
  const inside = (path: string) => entries.filter((entry) => path === '' || entry.path.startsWith(`${path}/`));
  return {
    sha: 'f'.repeat(40),
    entry: (path) => Promise.resolve(entries.find((entry) => entry.path === path)),
    children: (path) =>
      Promise.resolve(inside(path).filter(({ path: p, name }) => p === (path === '' ? name : `${path}/${name}`))),
    async *walk(path) {
      yield* await Promise.resolve(inside(path));
    },
    read: (oid) => Promise.resolve(Buffer.from(files[oid] ?? '')),
  };
}

function gitOf(files: Record<string, string>): Partial<GenerateInput> {
  return { git: { snapshot: () => Promise.resolve(repository(files)) } };
}

function names({ applications }: Evaluation): string[] {
  return applications.map(({ metadata }) => metadata.name);
}

describe('generate', () => {
  it('makes Applications of Git directories and clusters', async () => {
    const evaluation = await run(
      {
        generators: [
          {
            matrix: {
              generators: [
                {
                  git: {
                    repoURL: 'https://git.example.com/r.git',
                    revision: 'HEAD',
                    directories: [{ path: 'services/*' }, { path: 'services/old', exclude: true }],
                  },
                },
                { clusters: { selector: { matchLabels: { environment: 'production' } } } },
              ],
            },
          },
        ],
        template: {
          ...template,
          metadata: { name: '{{ .path.basename }}-{{ .name }}' },
          spec: { ...template.spec, source: { repoURL: 'https://git.example.com/r.git', path: '{{ .path.path }}' } },
        },
      },
      gitOf({
        'services/cart/app.yaml': '',
        'services/old/app.yaml': '',
        'services/web/app.yaml': '',
        'docs/readme.md': '',
      }),
    );
    expect(names(evaluation)).toEqual(['cart-eu-1', 'web-eu-1']);
    expect(evaluation.reads).toEqual({
      repositories: [{ repoURL: 'https://git.example.com/r.git', revision: 'HEAD' }],
      clusters: true,
      settings: [],
    });
    expect(evaluation.errors).toEqual([]);
  });

  it('fills in namespace, finalizer, owner and everything that is no template', async () => {
    const { applications } = await run(listOf({ name: 'a', path: 'p' }));
    expect(applications).toEqual([
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: {
          name: 'a-app',
          namespace: 'argocd',
          finalizers: ['resources-finalizer.argocd.argoproj.io'],
          ownerReferences: [
            {
              apiVersion: 'argoproj.io/v1alpha1',
              kind: 'ApplicationSet',
              name: 'fleet',
              uid: 'u-1',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        spec: {
          ...template.spec,
          source: { repoURL: 'https://git.example.com/r.git', path: 'p', targetRevision: 'main' },
          destination: { server: 'https://a.example.com', namespace: 'a' },
        },
      },
    ]);
  });

  it('gives no finalizer when resources are preserved', async () => {
    const evaluation = await run({
      ...listOf({ name: 'a', path: 'p' }),
      syncPolicy: { preserveResourcesOnDeletion: true },
    });
    expect(evaluation.applications[0]?.metadata.finalizers).toBeUndefined();
  });

  it('reads files of Git and patches each Application', async () => {
    const { applications } = await run(
      {
        generators: [{ git: { repoURL: 'r', revision: '', files: [{ path: 'config/*.yaml' }] } }],
        template: { ...template, spec: { ...template.spec, source: { repoURL: 'r', path: '{{ .path.filename }}' } } },
        templatePatch:
          '{{- if .prune }}\nspec:\n  project: evil\n  syncPolicy:\n    automated: {prune: {{ .prune }}}\n{{- end }}',
      },
      gitOf({ 'config/a.yaml': 'name: a\nprune: true\n', 'config/b.yaml': 'name: b\nprune: false\n' }),
    );
    expect(applications.map(({ spec }) => [spec.project, spec.syncPolicy?.automated])).toEqual([
      ['team', { prune: true }],
      ['team', undefined],
    ]);
  });

  it('names the Application whose template misses a key, and makes the others', async () => {
    const evaluation = await run(listOf({ name: 'a', path: 'p' }, { name: 'b' }, { path: 'x' }));
    expect(names(evaluation)).toEqual(['a-app']);
    expect(evaluation.errors).toEqual([
      {
        application: 'b-app',
        code: 'TemplateFailed',
        message: expect.stringContaining(
          'application b-app: spec.template.spec.source.path: template: base:1:3: executing "base" at <.path>: map has no entry for key "path"',
        ),
      },
      {
        code: 'TemplateFailed',
        message: expect.stringContaining('application of unknown name: spec.template.metadata.name'),
      },
    ]);
  });

  it('refuses names that two elements share, and only those', async () => {
    const evaluation = await run({
      generators: [
        {
          list: {
            elements: [
              { name: 'a', path: 'p' },
              { name: 'b', path: 'p' },
            ],
          },
        },
        { list: { elements: [{ name: 'a', path: 'q' }] } },
      ],
    });
    expect(names(evaluation)).toEqual(['b-app']);
    expect(evaluation.errors).toEqual([
      {
        application: 'a-app',
        code: 'DuplicateApplication',
        message: expect.stringContaining('contains 2 applications with the same name: a-app'),
      },
    ]);
  });

  it('refuses a name that Kubernetes refuses', async () => {
    const { applications, errors } = await run(listOf({ name: 'Not_OK', path: 'p' }));
    const message = expect.stringContaining('not a name that Kubernetes allows') as string;
    expect({ applications, errors }).toEqual({
      applications: [],
      errors: [{ application: 'Not_OK-app', code: 'Invalid', message }],
    });
  });

  it('says which fields of a patch Argo CD does not know, and leaves them out', async () => {
    const evaluation = await run({
      ...listOf({ name: 'a', path: 'p' }),
      templatePatch: 'spec: {nosuch: 5, revisionHistoryLimit: 3}',
    });
    expect(evaluation.warnings).toEqual(['application a-app: spec.nosuch: unknown field']);
    expect(evaluation.applications[0]?.spec).toMatchObject({ revisionHistoryLimit: 3 });
    expect(evaluation.applications[0]?.spec).not.toHaveProperty('nosuch');
  });

  it('says what has no effect', async () => {
    const strategy = { type: 'RollingSync', deletionOrder: 'Reverse' };
    const { warnings } = await run({ ...listOf({ name: 'a', path: 'p' }), strategy });
    expect(warnings).toEqual([
      'spec.strategy.deletionOrder: Reverse has no effect without type: RollingSync and steps',
    ]);
  });

  it('reports nothing as nothing', async () => {
    expect(await run(listOf())).toEqual({
      applications: [],
      errors: [],
      reads: { repositories: [], clusters: false, settings: [] },
      warnings: [],
    });
  });

  it.each<[string, Partial<Spec>, string, string]>([
    [
      'a generator that is not built',
      { generators: [{ scmProvider: { github: { organization: 'o' } } }] },
      'Unsupported',
      'spec.generators[0]: scmProvider: code hosts, plugins and settings of the hub cannot be read here',
    ],
    [
      'a repository that cannot be read',
      { generators: [{ git: { repoURL: 'r', revision: 'HEAD', directories: [{ path: '*' }] } }] },
      'RepositoryUnreachable',
      'ApplicationSet argocd/fleet: spec.generators[0]: git: repository r cannot be reached',
    ],
    [
      'a selector that cannot be read',
      { generators: [{ clusters: { selector: { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] } } }] },
      'GeneratorFailed',
      '"Gt" is not a selector operator',
    ],
    [
      'a template that is none',
      { ...listOf({ name: 'a' }), template: { ...template, metadata: { name: '{{ .name' } } },
      'TemplateFailed',
      'spec.template.metadata.name: template: base:1: unclosed action',
    ],
    [
      'options that Go does not know',
      { ...listOf({ name: 'a' }), goTemplateOptions: ['missingkey=what'] },
      'TemplateFailed',
      'spec.goTemplateOptions: unrecognized template option',
    ],
    [
      'a matrix of one',
      { generators: [{ matrix: { generators: [{ list: { elements: [] } }] } }] },
      'GeneratorFailed',
      'matrix: needs exactly two generators, has 1',
    ],
    [
      'merge keys that are not unique',
      {
        generators: [
          {
            merge: {
              mergeKeys: ['k'],
              generators: [{ list: { elements: [{ k: '1' }, { k: '1' }] } }, { list: { elements: [] } }],
            },
          },
        ],
      },
      'GeneratorFailed',
      'have the merge keys {"k":"1"}',
    ],
  ])('fails as a whole on %s, so that nothing changes', async (...[, spec, code, message]) => {
    const git = {
      snapshot: () => Promise.reject(new FleetError('RepositoryUnreachable', 'repository r cannot be reached')),
    };
    const good = { list: { elements: [{ name: 'good', path: 'p' }] } };
    const { failed, applications, errors } = await run(
      { ...spec, generators: [...(spec.generators ?? []), good] },
      { git },
    );
    expect({ applications, errors, code: failed?.code }).toEqual({ applications: [], errors: [], code });
    expect(failed?.message).toContain(message);
  });

  it.each([
    ['malformed', 'a: [', 'file c/x.yaml of r: YAML, line'],
    ['a text', 'just text', 'file c/x.yaml of r: must hold an object or a list of objects, is string'],
  ])('names a Git file that is %s', async (_name, content, message) => {
    const { failed } = await run(
      { generators: [{ git: { repoURL: 'r', revision: '', files: [{ path: 'c/*' }] } }] },
      gitOf({ 'c/x.yaml': content }),
    );
    expect(failed?.message).toContain(message);
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(run(listOf({ name: 'a', path: 'p' }), { signal: controller.signal })).rejects.toThrow('aborted');
  });
});
