import { kindPosition } from '@wheelhouse/shared/kube/kinds';
import { type Phase, phases } from './hooks.ts';

/** One step of a sync, as far as its order goes. */
export interface Task {
  phase: Phase;
  wave: number;
  group: string;
  kind: string;
  namespace: string;
  name: string;
  /** The object goes rather than comes. */
  prune: boolean;
  /** Prune it after the last wave. */
  pruneLast?: boolean;
  /** `group/Kind` that it defines, if it is a CustomResourceDefinition. */
  defines?: string;
}

/**
 * Argo CD: the order of a sync. Phase, wave, kind, name; Namespaces come before what is in them and
 * CustomResourceDefinitions before what they define, in the phase and wave of the first that needs them; prunes take
 * their waves in mirror image. Changes waves and phases of the tasks that it moves.
 */
export function orderTasks<T extends Task>(tasks: T[]): T[] {
  mirrorPruneWaves(tasks.filter(({ prune }) => prune));
  const last = Math.max(0, ...tasks.filter(({ phase }) => phase === 'Sync').map(({ wave }) => wave));
  for (const task of tasks) if (task.pruneLast) task.wave = last + 1;
  return sortTasks(tasks);
}

/** The order alone, waves as they are. */
export function sortTasks<T extends Task>(tasks: T[]): T[] {
  const sorted = [...tasks].sort(compareTasks);
  bubbleUp(sorted, {
    provides: (task) => (task.kind === 'Namespace' && task.group === '' ? task.name : undefined),
    needs: (task) => task.namespace || undefined,
  });
  bubbleUp(sorted, {
    provides: ({ defines }) => defines,
    needs: ({ group, kind }) => `${group}/${kind}`,
  });
  return sorted;
}

function compareTasks(a: Task, b: Task): number {
  return (
    phases.indexOf(a.phase) - phases.indexOf(b.phase) ||
    a.wave - b.wave ||
    kindPosition(a.kind) - kindPosition(b.kind) ||
    compareText(a.name, b.name)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Dependency {
  /** What others wait for, if the task brings it. */
  provides: (task: Task) => string | undefined;
  needs: (task: Task) => string | undefined;
}

/** Moves each provider before the first task that needs it, into that one's phase and wave. */
function bubbleUp(tasks: Task[], { provides, needs }: Dependency): void {
  const firstNeed = new Map<string, Task>();
  for (const task of tasks.slice()) {
    if (task.prune) continue;
    const provided = provides(task);
    if (provided !== undefined) {
      const dependant = firstNeed.get(provided);
      if (dependant) moveBefore(tasks, task, dependant);
      continue;
    }
    const needed = needs(task);
    if (needed !== undefined && !firstNeed.has(needed)) firstNeed.set(needed, task);
  }
}

function moveBefore(tasks: Task[], task: Task, dependant: Task): void {
  task.wave = dependant.wave;
  task.phase = dependant.phase;
  tasks.splice(tasks.indexOf(task), 1);
  tasks.splice(tasks.indexOf(dependant), 0, task);
}

/** Last created, first pruned: the lowest wave takes the place of the highest, and so on inwards. */
function mirrorPruneWaves(prunes: Task[]): void {
  const waves = [...new Set(prunes.map(({ wave }) => wave))].sort((a, b) => a - b);
  const mirrored = new Map(waves.map((wave, index) => [wave, waves.at(-1 - index) as number]));
  for (const task of prunes) task.wave = mirrored.get(task.wave) as number;
}
