import { existsSync, readFileSync } from 'node:fs';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { refOf } from '@wheelhouse/shared/kube/object';
import { type Arbitrary, array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHook, type Phase, phases, phasesOf, waveOf } from './hooks.ts';
import { orderTasks, type Task } from './order.ts';
import { resourceOptions } from './sync-options.ts';
import { definedKind } from './target.ts';

interface PlanCase {
  id: string;
  area: string;
  input: {
    resources: { target?: KubeObject | null; live?: KubeObject | null }[];
    hooks: KubeObject[];
    namespace: string;
    revision: string;
    startedAt: string;
  };
  options: { pruneLast?: boolean; skipHooks?: boolean };
  expected: unknown;
}

const file = new URL('../../../../shared/fixtures/argocd/ordering.json', import.meta.url);
const isThere = existsSync(file);
const cases = isThere ? (JSON.parse(readFileSync(file, 'utf8')) as PlanCase[]) : [];

type PlannedTask = Task & { hook: boolean };

function taskOf(object: KubeObject, phase: Phase, extra: Partial<Task> & { hook: boolean }): PlannedTask {
  const { group, kind, namespace, name } = refOf(object);
  const defines = definedKind(object);
  const wave = waveOf(object.metadata.annotations ?? {});
  return { phase, wave, group, kind, namespace, name, prune: false, ...(defines ? { defines } : {}), ...extra };
}

function plan(row: PlanCase): PlannedTask[] {
  const resources = row.input.resources.flatMap((pair) => resourceTasks(pair, row));
  return orderTasks([
    ...resources,
    ...(row.options.skipHooks ? [] : row.input.hooks.flatMap((hook) => hookTasks(hook, row))),
  ]);
}

function resourceTasks(
  { target, live }: PlanCase['input']['resources'][number],
  { input, options }: PlanCase,
): PlannedTask[] {
  const object = (target ?? live) as KubeObject;
  const annotations = object.metadata.annotations ?? {};
  if (isHook(annotations)) return [];
  const pruneLast = options.pruneLast === true || resourceOptions(annotations).get('PruneLast') === 'true';
  const extra = target ? { namespace: object.metadata.namespace || input.namespace } : { prune: true, pruneLast };
  return phasesOf(annotations).map((phase) => taskOf(object, phase, { hook: false, ...extra }));
}

function hookTasks(object: KubeObject, { input }: PlanCase): PlannedTask[] {
  const { annotations = {}, generateName = '', namespace = input.namespace } = object.metadata;
  const revision = input.revision.length >= 8 ? input.revision.slice(0, 7) : input.revision;
  return phasesOf(annotations).map((phase) => {
    const postfix = `${revision}-${phase}-${Math.floor(Date.parse(input.startedAt) / 1000)}`.toLowerCase();
    return taskOf(object, phase, { hook: true, name: object.metadata.name ?? `${generateName}${postfix}`, namespace });
  });
}

describe.skipIf(!isThere)(
  'the plan of a sync, hooks included, as Argo CD makes it (cases of ../shared/fixtures)',
  () => {
    it.each(cases.filter(({ area }) => area === 'ordering.plan'))('$id', (row) => {
      const actual = plan(row).map(({ phase, wave, group, kind, namespace, name, prune, hook }) => ({
        phase,
        wave,
        group,
        kind,
        namespace,
        name,
        prune,
        hook,
      }));
      expect(actual).toEqual(row.expected);
    });
  },
);

const anyTask: Arbitrary<Task> = record({
  phase: constantFrom(...phases),
  wave: integer({ min: -3, max: 3 }),
  kind: constantFrom('Namespace', 'ConfigMap', 'Deployment', 'Widget', 'CustomResourceDefinition'),
  name: constantFrom('a', 'b', 'c', 'd'),
  prune: boolean(),
  pruneLast: boolean(),
}).map((task) => ({
  ...task,
  group: task.kind === 'Widget' ? 'example.com' : '',
  namespace: ['Namespace', 'CustomResourceDefinition'].includes(task.kind) ? '' : 'a',
  ...(task.kind === 'CustomResourceDefinition' ? { defines: 'example.com/Widget' } : {}),
}));

describe('ordering', () => {
  it('keeps every task and never goes back in phase, nor in wave within a phase', () => {
    assert(
      property(array(anyTask, { maxLength: 30 }), (tasks) => {
        const ordered = orderTasks(structuredClone(tasks));
        expect(ordered).toHaveLength(tasks.length);
        const places = ordered.map(({ phase, wave }) => phases.indexOf(phase) * 100 + wave);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
    );
  });

  it.each([
    [
      'a namespace',
      (task: Task) => task.kind === 'Namespace' && task.name === 'a',
      (task: Task) => task.namespace === 'a',
    ],
    ['a definition', (task: Task) => task.defines !== undefined, (task: Task) => task.kind === 'Widget'],
  ])('puts %s before what needs it', (_row, isProvider, needs) => {
    assert(
      property(array(anyTask, { maxLength: 30 }), (tasks) => {
        const ordered = orderTasks(structuredClone(tasks)).filter(({ prune }) => !prune);
        const [provider, first] = [ordered.findIndex(isProvider), ordered.findIndex(needs)];
        expect(provider === -1 || first === -1 || provider < first).toBe(true);
      }),
    );
  });
});
