import type { KubeObject } from '@wheelhouse/shared/kube/object';
import {
  anything,
  array,
  assert,
  constantFrom,
  dictionary,
  type JsonValue,
  jsonValue,
  property,
  record,
  string,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldManager } from '../cluster/cluster.ts';
import type { FieldSet } from '../cluster/fields-v1.ts';
import { createMemoryCluster } from '../cluster/memory/memory.ts';
import { isDrifted, rememberApplied, wouldChangeNothing } from './drift.ts';
import { project, removeFromProjection, watchedFields } from './projection.ts';

const signal = new AbortController().signal;

function manifest(spec: object, kind = 'Deployment'): KubeObject {
  return { apiVersion: 'apps/v1', kind, metadata: { name: 'web', namespace: 'default' }, spec };
}

const base = {
  replicas: 2,
  selector: { matchLabels: { app: 'web' } },
  template: {
    spec: {
      containers: [{ name: 'app', image: 'a:1', env: [{ name: 'A', value: '1' }] }],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    },
  },
};

interface Spec {
  replicas: number;
  paused?: boolean;
  template: {
    spec: {
      containers: { name: string; image: string; env?: { name: string; value: string }[] }[];
      volumes: { emptyDir: object }[];
    };
  };
}

describe('drift', () => {
  it.each<[string, boolean, (spec: Spec) => void]>([
    ['nothing', false, () => {}],
    ['an owned scalar', true, (spec) => void (spec.replicas = 5)],
    ['a field that nobody applied', false, (spec) => void (spec.paused = true)],
    [
      'an image in a container of ours',
      true,
      (spec) => void ((spec.template.spec.containers[0] as { image: string }).image = 'a:2'),
    ],
    [
      'a container of another',
      false,
      (spec) => void spec.template.spec.containers.unshift({ name: 'mesh', image: 'm:1' }),
    ],
    ['our container gone', true, (spec) => void (spec.template.spec.containers = [])],
    [
      'a variable of another',
      false,
      (spec) => void spec.template.spec.containers[0]?.env?.push({ name: 'B', value: '2' }),
    ],
    [
      'our variable',
      true,
      (spec) => void ((spec.template.spec.containers[0] as { env: object }).env = [{ name: 'A', value: '2' }]),
    ],
    [
      'a default inside an empty map of ours',
      false,
      (spec) => void ((spec.template.spec.volumes[0] as { emptyDir: object }).emptyDir = { medium: '' }),
    ],
  ])('of %s: %s', async (_what, expected, change) => {
    const cluster = createMemoryCluster();
    const desired = manifest(base);
    const live = await cluster.apply(desired, { fieldManager, signal });
    const applied = rememberApplied(live, desired, undefined);
    const changed = structuredClone(live);
    change(changed['spec'] as Spec);
    expect(isDrifted(changed, applied, undefined)).toBe(expected);
  });

  it('does not see in which order fields and lists of others come', async () => {
    const cluster = createMemoryCluster();
    const desired = manifest(base);
    const live = await cluster.apply(desired, { fieldManager, signal });
    const applied = rememberApplied(live, desired, undefined);
    const turned = Object.fromEntries(Object.entries(live).reverse()) as KubeObject;
    expect(isDrifted(turned, applied, undefined)).toBe(false);
  });

  it('leaves out what managers own that are to be ignored, also when they take it later', async () => {
    const cluster = createMemoryCluster();
    const desired = manifest(base);
    const rule = { paths: [], managers: ['autoscaler'], digest: '' };
    const live = await cluster.apply(desired, { fieldManager, signal });
    const applied = rememberApplied(live, desired, rule);
    const ref = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'default', name: 'web' };
    const scale = (object: KubeObject) => ({ ...object, spec: { ...(object['spec'] as object), replicas: 9 } });
    expect(isDrifted(cluster.edit(ref, scale, 'autoscaler') as KubeObject, applied, rule)).toBe(false);
    expect(
      isDrifted(
        cluster.edit(ref, (object) => ({ ...scale(object), spec: base }), 'someone') as KubeObject,
        applied,
        rule,
      ),
    ).toBe(false);
    expect(isDrifted(cluster.edit(ref, scale, 'someone') as KubeObject, applied, rule)).toBe(true);
  });
});

describe('a dry run', () => {
  it.each([
    ['the same manifest', base, true],
    ['a changed field', { ...base, replicas: 3 }, false],
    ['a field left out that we own', { selector: base.selector, template: base.template }, false],
  ])('of %s', async (_what, spec, expected) => {
    const cluster = createMemoryCluster();
    const live = await cluster.apply(manifest(base), { fieldManager, signal });
    const dry = await cluster.apply(manifest(spec), { fieldManager, dryRun: true, signal });
    expect(wouldChangeNothing(dry, live, undefined)).toBe(expected);
  });
});

const anyName = constantFrom('a', 'b', 'c');
const anyData = dictionary(anyName, jsonValue({ maxDepth: 2 }), { minKeys: 1 });

function everyField(value: JsonValue | undefined): FieldSet {
  if (!value || typeof value !== 'object' || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [`f:${name}`, everyField(below)]));
}

describe('a projection', () => {
  it('says nothing of fields outside its set', () => {
    assert(
      property(anyData, dictionary(string({ minLength: 2 }), anything()), (data, more) => {
        const fields = everyField(data);
        expect(project({ ...more, ...data }, fields)).toEqual(project(data, fields));
      }),
    );
  });

  it('differs when a field of its set is removed', () => {
    assert(
      property(record({ data: anyData, name: anyName }), ({ data, name }) => {
        const full = { ...data, [name]: 'there' };
        const { [name]: _gone, ...less } = full;
        expect(project(less, everyField(full))).not.toEqual(project(full, everyField(full)));
      }),
    );
  });

  it('without a set equals the projection of what that set leaves', () => {
    assert(
      property(anyData, array(anyName), (data, taken) => {
        const fields = everyField(data);
        const set = Object.fromEntries(taken.map((name) => [`f:${name}`, {}]));
        const rest = Object.fromEntries(Object.entries(fields).filter(([step]) => !(step in set)));
        const expected = Object.keys(rest).length === 0 ? {} : project(data, rest);
        expect(removeFromProjection(project(data, fields), set)).toEqual(expected);
      }),
    );
  });

  it('takes an empty container of the manifest for its existence alone', () => {
    const fields = { 'f:spec': { 'f:emptyDir': {}, 'f:size': {} } };
    expect(watchedFields(fields, { spec: { emptyDir: {}, size: 1 } })).toEqual({
      'f:spec': { 'f:emptyDir': { '.': {} }, 'f:size': {} },
    });
  });
});
