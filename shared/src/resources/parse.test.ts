import { describe, expect, it } from 'vitest';
import { FleetError } from '../errors/fleet-error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Generator } from './generator.ts';
import { type ParseOptions, parseResource, parseResources } from './parse.ts';

const refuse: ParseOptions = { unknownFields: 'refuse' };
const warn: ParseOptions = { unknownFields: 'warn' };

function application(spec: Record<string, unknown>): Record<string, unknown> {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'x' },
    spec: { source: { repoURL: 'https://git.test/a' }, destination: { name: 'east' }, ...spec },
  };
}

function applicationSet(...generators: unknown[]): Record<string, unknown> {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'x' },
    spec: { generators, template: { metadata: { name: '{{name}}' }, spec: { destination: { name: '{{name}}' } } } },
  };
}

function failure(object: unknown, options = refuse): FleetError {
  try {
    parseResource(object, options);
  } catch (error) {
    if (error instanceof FleetError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('unknown fields', () => {
  const rows: [string, Record<string, unknown>, string][] = [
    ['at the top', { ...application({}), spek: {} }, 'Application argocd/x: spek: unknown field, did you mean "spec"?'],
    [
      'in the spec',
      application({ sourc: {} }),
      'Application argocd/x: spec.sourc: unknown field, did you mean "source"?',
    ],
    [
      'in a list',
      application({ sources: [{ repoURL: 'a' }, { repoURL: 'a', targetRevison: 'v1' }] }),
      'Application argocd/x: spec.sources[1].targetRevison: unknown field, did you mean "targetRevision"?',
    ],
    ['that look like nothing', application({ zebra: 1 }), 'Application argocd/x: spec.zebra: unknown field'],
    [
      'several at once',
      application({ sourc: {}, syncPolicy: { automatd: {} } }),
      'Application argocd/x: spec.syncPolicy.automatd: unknown field, did you mean "automated"?; spec.sourc: unknown field, did you mean "source"?',
    ],
    [
      'in a nested generator',
      applicationSet({ matrix: { generators: [{ git: { repoURL: 'a', revision: 'b', directory: [] } }] } }),
      'ApplicationSet argocd/x: spec.generators[0].matrix.generators[0].git.directory: unknown field, did you mean "directories"?',
    ],
    [
      'a third level of matrix',
      applicationSet({ matrix: { generators: [{ matrix: { generators: [{ matrix: { generators: [] } }] } }] } }),
      'ApplicationSet argocd/x: spec.generators[0].matrix.generators[0].matrix.generators[0].matrix: unknown field',
    ],
  ];

  it.each(rows)('%s are refused', (_, object, message) => {
    expect(failure(object)).toMatchObject({ code: 'UnknownField', message });
  });

  it.each(rows)('%s are kept with a warning', (_, object, message) => {
    const { resource, warnings } = parseResource(object, warn);
    const prefix = message.slice(0, message.indexOf(': ') + 2);
    expect(warnings.map((warning) => warning.slice(prefix.length)).join('; ')).toBe(message.slice(prefix.length));
    expect(warnings.every((warning) => warning.startsWith(prefix))).toBe(true);
    expect(resource).toMatchObject(object);
  });

  it('are none in what Kubernetes or a tool owns', () => {
    const object = application({ source: { repoURL: 'a', helm: { valuesObject: { any: { thing: null } } } } });
    Object.assign(object, { status: { anything: 1 } });
    Object.assign(object['metadata'] as object, { managedFields: [{ manager: 'kubectl' }], ownerReferences: [] });
    const { resource, warnings } = parseResource(object, refuse);
    expect(warnings).toEqual([]);
    expect(resource).toMatchObject(object);
  });
});

describe('problems', () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      'a number for text',
      application({ source: { repoURL: 'a', targetRevision: 1 } }),
      'spec.source.targetRevision: must be text, is a number; put it in quotes',
    ],
    [
      'text for a boolean',
      application({ syncPolicy: { automated: { prune: 'yes' } } }),
      'spec.syncPolicy.automated.prune: must be true or false, is text',
    ],
    ['an object for a list', application({ sources: {} }), 'spec.sources: must be a list, is an object'],
    ['text for an object', application({ syncPolicy: 'auto' }), 'spec.syncPolicy: must be an object, is text'],
    [
      'half a replica',
      application({ source: { repoURL: 'a', kustomize: { replicas: [{ name: 'a', count: 0.5 }] } } }),
      'spec.source.kustomize.replicas[0].count: must be an integer or text, is a number',
    ],
    ['no destination', application({ destination: null }), 'spec.destination: required'],
    ['no name', { ...application({}), metadata: { name: '' } }, 'metadata.name: must not be empty'],
    ['no metadata', { ...application({}), metadata: undefined }, 'metadata: required'],
    [
      'a foreign version',
      { ...application({}), apiVersion: 'argoproj.io/v1beta1' },
      'apiVersion: must be "argoproj.io/v1alpha1"',
    ],
    [
      'a label that is no text',
      { ...application({}), metadata: { name: 'x', labels: { 'a.b/c': true } } },
      'metadata.labels["a.b/c"]: must be text, is true; put it in quotes',
    ],
    [
      'an unknown policy',
      {
        ...applicationSet(),
        spec: { generators: [], template: { metadata: {}, spec: {} }, syncPolicy: { applicationsSync: 'never' } },
      },
      'spec.syncPolicy.applicationsSync: must be "create-only" or "create-update" or "create-delete" or "sync"',
    ],
  ])('%s', (_, object, message) => {
    expect(failure(object, warn)).toMatchObject({ code: 'Invalid' });
    expect(failure(object, warn).message).toContain(message);
  });

  it.each<[string, unknown, string]>([
    ['text', 'hello', 'not an object'],
    ['a list', [], 'not an object'],
    ['no kind', { apiVersion: 'v1', metadata: { name: 'x' } }, 'object x: kind: required'],
    ['no apiVersion', { kind: 'Application' }, 'Application (no name): apiVersion: required'],
  ])('%s is malformed', (_, object, message) => {
    expect(failure(object)).toMatchObject({ code: 'Malformed', message: expect.stringContaining(message) });
  });
});

describe('defaults', () => {
  it('fills the namespace and the project, and changes nothing that was given', () => {
    const given = application({ syncPolicy: { automated: null, retry: { limit: -1, backoff: { duration: 5 } } } });
    const before = structuredClone(given);
    const { resource } = parseResource(given, refuse);
    expect(given).toEqual(before);
    expect(resource).toEqual({
      ...given,
      metadata: { name: 'x', namespace: 'argocd' },
      spec: {
        ...(given['spec'] as object),
        project: 'default',
        syncPolicy: { retry: { limit: -1, backoff: { duration: 5 } } },
      },
    });
  });

  it('leaves a template without project as it is', () => {
    const { resource } = parseResource(applicationSet({ list: { elements: [] } }), refuse);
    expect(resource).toMatchObject({ spec: { template: { spec: { destination: { name: '{{name}}' } } } } });
    expect(JSON.stringify(resource)).not.toContain('project');
  });
});

describe('kinds', () => {
  it.each([
    ['argoproj.io/v1alpha1', 'Rollout'],
    ['argoproj.io/v1alpha1', 'AnalysisTemplate'],
    ['bitnami.com/v1alpha1', 'SealedSecret'],
  ])('%s %s is kept and said to be without effect', (apiVersion, kind) => {
    const object = { apiVersion, kind, metadata: { name: 'x', namespace: 'shop' }, spec: { any: 'thing' } };
    expect(parseResource(object, refuse)).toEqual({
      resource: object,
      warnings: [`${kind} shop/x: accepted and kept, but ${kind} is not built yet: nothing acts upon it`],
    });
  });

  it.each([
    ['apps/v1', 'Deployment'],
    ['argoproj.io/v1alpha1', 'Aplication'],
    ['example.com/v1', 'Application'],
  ])('%s %s belongs into a repository', (apiVersion, kind) => {
    expect(failure({ apiVersion, kind, metadata: { name: 'x' } })).toMatchObject({
      code: 'Invalid',
      message: `${kind} x: the hub keeps Argo CD's kinds, FailoverHook, FailoverRule and FleetRollout only; put it into a repository that an Application names`,
    });
  });

  it('takes every generator, nested two levels deep', () => {
    const leaves: Generator[] = [
      { list: { elements: [{ a: 1 }, 'b'], elementsYaml: '- a: 1' } },
      {
        clusters: {
          selector: { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod'] }] },
          flatList: true,
        },
      },
      { git: { repoURL: 'a', revision: 'HEAD', directories: [{ path: '*' }, { path: 'x', exclude: true }] } },
      { git: { repoURL: 'a', revision: 'HEAD', files: [{ path: '**/c.json' }], values: { a: '{{b}}' } } },
      { oci: { repoURL: 'oci://a', revision: '1' } },
      {
        scmProvider: { github: { organization: 'o', tokenRef: { secretName: 's', key: 'k' } }, cloneProtocol: 'https' },
      },
      {
        pullRequest: { azuredevops: { organization: 'o', project: 'p', repo: 'r' }, filters: [{ branchMatch: '.*' }] },
      },
      { clusterDecisionResource: { configMapRef: 'c', name: 'n', requeueAfterSeconds: 30 } },
      { plugin: { configMapRef: { name: 'c' }, input: { parameters: { a: [1, { b: null }] } } } },
    ];
    const nested: Generator = {
      merge: { mergeKeys: ['a'], generators: [{ matrix: { generators: leaves } }, ...leaves] },
    };
    const { warnings } = parseResource(applicationSet(...leaves, nested), refuse);
    expect(warnings).toEqual([]);
  });

  it('gives resources that are Kubernetes objects', () => {
    const { resource } = parseResource(application({}), refuse);
    const object: KubeObject = resource;
    expect(object.metadata.name).toBe('x');
    expect(resource.kind === 'Application' && resource.spec.project).toBe('default');
  });
});

describe('settings', () => {
  const configMap = (name: string, labels?: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'argocd', ...(labels && { labels }) },
    data: { url: 'https://argo.test' },
  });
  const secret = (type: string | undefined, stringData: Record<string, string>, name = 's') => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(type && { labels: { 'argocd.argoproj.io/secret-type': type } }) },
    stringData,
  });

  it.each([
    configMap('argocd-cm'),
    configMap('argocd-rbac-cm'),
    configMap('mine', { 'app.kubernetes.io/part-of': 'argocd' }),
  ])('takes Argo CD’s ConfigMaps: $metadata.name', (object) => {
    expect(parseResource(object, refuse).resource).toEqual(object);
  });

  it('refuses other ConfigMaps', () => {
    expect(failure(configMap('mine')).message).toContain('ConfigMap argocd/mine: not one of Argo CD');
  });

  it.each([
    ['repository', { url: 'https://git.test/a', password: 'p' }],
    ['repo-creds', { url: 'https://git.test' }],
  ])('takes a %s Secret', (type, data) => {
    expect(parseResource(secret(type, data), refuse)).toMatchObject({ resource: { stringData: data }, warnings: [] });
  });

  it('leaves out the credential of a cluster', () => {
    const { resource, warnings } = parseResource(
      secret('cluster', { server: 'https://a.test', config: '{"bearerToken":"t0p"}' }),
      refuse,
    );
    expect(JSON.stringify(resource)).not.toContain('t0p');
    expect(warnings[0]).toContain('the hub holds no cluster credential');
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a repository without URL',
      secret('repository', { password: 'hunter2' }),
      'a repository Secret needs the entry "url"',
    ],
    ['any other Secret', secret(undefined, { password: 'hunter2' }), 'not one of Argo CD'],
  ])('refuses %s and shows nothing of it', (_, object, message) => {
    const error = failure(object);
    expect(error.message).toContain(message);
    expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain('hunter2');
  });

  it('shows no value of a Secret that has the wrong type', () => {
    const error = failure({ ...secret('repository', {}), stringData: { url: 'u', password: 31337 } });
    expect(error.message).toContain('stringData.password: must be text, is a number');
    expect(`${error.message}${JSON.stringify(error.details)}`).not.toContain('31337');
  });
});

describe('parseResources', () => {
  const one = 'apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a}\nspec: {}\n';

  it('reads every document, and the items of a List', () => {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [application({}), applicationSet()] });
    const parsed = parseResources(`${one}---\n# nothing\n---\n${list}\n`, refuse);
    expect(parsed.map(({ resource }) => resource.kind)).toEqual(['AppProject', 'Application', 'ApplicationSet']);
  });

  it('refuses a key that is there twice, as kubectl does; what Git holds is read as Kubernetes reads it', () => {
    const text = one.replace('spec: {}', 'spec: {description: a, description: b}');
    expect(() => parseResources(text, refuse)).toThrow('YAML, line 4, column 24: the key "description" is there twice');
    expect(parseResources(text, warn)[0]?.resource).toMatchObject({ spec: { description: 'b' } });
  });

  it('accepts nothing of a text of which one document is wrong', () => {
    expect(() => parseResources(`${one}---\nkind: [`, refuse)).toThrow('YAML, line 7');
    expect(() => parseResources(`${one}---\nkind: Application\n`, refuse)).toThrow('apiVersion: required');
  });
});
