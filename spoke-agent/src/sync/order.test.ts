import { type Arbitrary, array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phases } from './hooks.ts';
import { orderTasks, type Task } from './order.ts';

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
