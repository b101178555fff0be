import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { describe, expect, it } from 'vitest';
import type { AppLabels } from '../fleet/app-labels.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { type GeneratorCluster, generate } from './generate.ts';
import { addLayers, layersOf, mayConcern } from './layers.ts';
import { createMemo } from './memo.ts';

const signal = new AbortController().signal;
const at = (minute: number) => `2026-01-01T00:0${minute}:00.000Z`;

interface SetFields {
  labels?: Record<string, string>;
  name?: string;
  fields?: Partial<ApplicationSet['spec']>;
}

/** Carts and searches on every active cluster. */
function setOf({
  labels = { app: '{{.app}}' },
  name = '{{.app}}-{{.name}}',
  fields = {},
}: SetFields = {}): ApplicationSet {
  const clusters = { clusters: { selector: { matchLabels: { role: 'active' } } } };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'shop', namespace: 'argocd' },
    spec: {
      goTemplate: true,
      generators: [
        { matrix: { generators: [{ list: { elements: [{ app: 'cart' }, { app: 'search' }] } }, clusters] } },
      ],
      template: { metadata: { name, labels }, spec: applicationOf('x', { cluster: '{{.name}}' }).spec },
      ...fields,
    },
  };
}

function cluster(name: string, role: string, appLabels: AppLabels[] = []): GeneratorCluster {
  return {
    name,
    server: `https://${name}`,
    labels: { role },
    annotations: {},
    ...(appLabels.length > 0 ? { appLabels } : {}),
  };
}

function seen(apps: string, role: string, minute = 1): AppLabels {
  return { apps, labels: { role }, at: at(minute), by: 'ann' };
}

async function names(set: ApplicationSet, clusters: GeneratorCluster[], memo = createMemo()) {
  const git = { snapshot: () => Promise.reject(new Error('there is no Git here')) };
  const evaluation = await generate({ applicationSet: set, clusters, git, signal, memo });
  return { ...evaluation, names: evaluation.applications.map(({ metadata }) => metadata.name).sort() };
}

function moved(apps: string, minute = 1): GeneratorCluster[] {
  return [
    cluster('eu-1', 'active', [seen(apps, 'standby', minute)]),
    cluster('us-1', 'standby', [seen(apps, 'active', minute)]),
  ];
}

describe('an evaluation where some Applications see other labels', () => {
  it.each([
    ['these go where their labels say, and the others stay', 'app=cart', ['cart-us-1', 'search-eu-1']],
    ['all of a set by its name', 'wheelhouse.dev/applicationset=shop', ['cart-us-1', 'search-us-1']],
    ['all of a project', 'wheelhouse.dev/project=default', ['cart-us-1', 'search-us-1']],
    ['nothing of another set', 'wheelhouse.dev/applicationset=other', ['cart-eu-1', 'search-eu-1']],
    ['nothing that has no such label', 'team=a', ['cart-eu-1', 'search-eu-1']],
  ])('%s', async (_name, apps, expected) => {
    expect(await names(setOf(), moved(apps))).toMatchObject({ names: expected, errors: [] });
  });

  it('what was changed last counts for what two selectors match', async () => {
    const both = (first: AppLabels[], second: AppLabels[]) => [
      cluster('eu-1', 'active', first),
      cluster('us-1', 'standby', second),
    ];
    const set = 'wheelhouse.dev/applicationset=shop';
    const setLast = both([seen('app=cart', 'active', 1), seen(set, 'standby', 2)], [seen(set, 'active', 2)]);
    expect((await names(setOf(), setLast)).names).toEqual(['cart-us-1', 'search-us-1']);
    const cartLast = both([seen(set, 'standby', 2), seen('app=cart', 'active', 3)], [seen(set, 'active', 2)]);
    expect((await names(setOf(), cartLast)).names).toEqual(['cart-eu-1', 'search-us-1']);
  });

  it('a name that does not hold the cluster moves as one', async () => {
    const { applications } = await names(setOf({ name: '{{.app}}' }), moved('app=cart'));
    expect(applications.map(({ metadata, spec }) => `${metadata.name} ${spec.destination.name}`).sort()).toEqual([
      'cart us-1',
      'search eu-1',
    ]);
  });

  it('a name that would be given twice is given to neither, and said', async () => {
    const set = setOf({
      name: 'shop',
      labels: { cluster: '{{.name}}' },
      fields: { generators: [{ clusters: { selector: { matchLabels: { role: 'active' } } } }] },
    });
    const evaluation = await names(set, moved('cluster=us-1'));
    expect(evaluation.names).toEqual([]);
    expect(evaluation.errors).toMatchObject([{ application: 'shop', code: 'DuplicateApplication' }]);
  });

  it('one that fails fails all', async () => {
    const [base, failed] = [await names(setOf(), moved('none=1')), new FleetError('GeneratorFailed', 'no')];
    const layers = layersOf(setOf(), moved('app=cart'));
    const evaluation = await addLayers(
      base,
      layers,
      async () => await Promise.resolve({ ...base, applications: [], failed }),
    );
    expect(evaluation).toMatchObject({ applications: [], failed });
  });

  it('gives the same objects again when nothing has changed', async () => {
    const memo = createMemo();
    const set = setOf();
    const clusters = moved('app=cart');
    const first = await names(set, clusters, memo);
    const second = await names(set, clusters, memo);
    expect(second.applications.every((application, index) => application === first.applications[index])).toBe(true);
  });
});

describe('whether a selector may concern a set', () => {
  it.each<[string, SetFields, string, boolean]>([
    ['with the label', { labels: { app: 'cart' } }, 'app=cart', true],
    ['with another value', { labels: { app: 'search' } }, 'app=cart', false],
    ['without the label', { labels: {} }, 'app=cart', false],
    ['without the label, which is asked to be absent', { labels: {} }, '!app', true],
    ['with a value that is a template', {}, 'app=cart', true],
    ['with a name of a label that is a template', { labels: { '{{.key}}': 'x' } }, 'app=cart', true],
    ['with a patch', { labels: {}, fields: { templatePatch: 'metadata: {}' } }, 'app=cart', true],
    ['of another name', { fields: { templatePatch: 'metadata: {}' } }, 'wheelhouse.dev/applicationset=cart', false],
    ['of another project', { labels: {} }, 'wheelhouse.dev/project=shop', false],
  ])('%s', (...[, fields, apps, expected]) => {
    expect(mayConcern(setOf(fields), apps)).toBe(expected);
  });
});
