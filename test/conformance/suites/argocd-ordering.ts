import { isClusterScoped } from '@wheelhouse/shared/kube/kinds';
import { type KubeObject, refOf } from '@wheelhouse/shared/kube/object';
import { createAppState, readPolicy } from '@wheelhouse/spoke-agent/sync/app-state';
import { compareApp } from '@wheelhouse/spoke-agent/sync/compare';
import {
  type Annotations,
  deletePoliciesOf,
  hookTypesOf,
  isHook,
  isSkipped,
  type Phase,
  phasesOf,
  waveOf,
} from '@wheelhouse/spoke-agent/sync/hooks';
import { sortTasks, type Task } from '@wheelhouse/spoke-agent/sync/order';
import { planTasks, type SyncTask } from '@wheelhouse/spoke-agent/sync/plan';
import { emptyRecord } from '@wheelhouse/spoke-agent/sync/records';
import { parseSyncOptions } from '@wheelhouse/spoke-agent/sync/sync-options';
import { bindManifest, bindTarget, definedKind } from '@wheelhouse/spoke-agent/sync/target';
import { createLiveIndex, type LiveIndex } from '@wheelhouse/spoke-agent/watch/live-index';
import { type Case, judgeCases, type Verdict, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface ListedTask {
  phase: Phase | '';
  wave: number;
  target: KubeObject | null;
  live?: KubeObject | null;
}

interface OrderingCase extends Case {
  area: string;
  input: {
    annotations: Annotations;
    resources: { target: KubeObject | null; live: KubeObject | null }[];
    hooks: KubeObject[];
    namespace: string;
    revision: string;
    tasks: ListedTask[];
  };
  options: { pruneLast?: boolean; skipHooks?: boolean };
}

const judges: Record<string, (testCase: OrderingCase) => Verdict | Promise<Verdict>> = {
  annotations: judgeAnnotations,
  plan: judgePlan,
  sort: judgeSort,
};

/** The order of a sync, and the annotations that decide it. */
export const argocdOrdering: Suite = {
  name: 'argocd/ordering',
  kind: 'file',
  run: (path) =>
    judgeCases<OrderingCase>(path, (testCase) => {
      const judge = judges[testCase.area.replace('ordering.', '')];
      return judge === undefined ? `area ${testCase.area} is unknown` : judge(testCase);
    }),
};

/** A case asserts the keys that it has. */
function judgeAnnotations({ input: { annotations }, expected }: OrderingCase): Verdict {
  const actual: Record<string, unknown> = {
    isHook: isHook(annotations),
    skip: isSkipped(annotations),
    hookTypes: hookTypesOf(annotations),
    phases: phasesOf(annotations),
    deletePolicies: deletePoliciesOf(annotations),
    wave: waveOf(annotations),
  };
  const asked = Object.keys(expected as object).map((key) => [key, actual[key]]);
  return whyDifferent(Object.fromEntries(asked), expected);
}

const app = 'app';

/** A first sync of everything, with prunes, by the steps that the agent takes. */
async function judgePlan({ input, options, expected }: OrderingCase): Promise<Verdict> {
  const { resources, hooks, namespace } = input;
  if (!options.skipHooks && hooks.some(({ metadata }) => phasesOf(metadata.annotations ?? {}).length > 0))
    return { notBuilt: 'hooks of a sync, which are reported and not run' };
  const targets = resources.flatMap(({ target }) => target ?? []);
  if (targets.some(({ metadata }) => !metadata.name))
    return { deviates: 'a manifest without a name is refused with a ComparisonError, before anything is applied' };
  const target = await bindTarget([...targets, ...hooks], {
    app,
    bundle: '',
    namespace,
    standby: false,
    isNamespaced: async () => true,
  });
  const state = createAppState(emptyRecord(app));
  state.policy = { ...readPolicy(undefined), options: parseSyncOptions(options.pruneLast ? ['PruneLast=true'] : []) };
  const tasks = planTasks(state, compareApp({ index: indexOf(input) }, state, target), { prune: true });
  return whyDifferent(
    tasks.map((task) => shownTask(task, namespace)),
    expected,
  );
}

/** A live object that is a target's counterpart is in its namespace, although a case may leave that out. */
function indexOf({ resources, namespace }: OrderingCase['input']): LiveIndex {
  const index = createLiveIndex({ healthOf: () => undefined, isDrifted: () => undefined, onChange() {} });
  for (const { live, target } of resources) {
    if (!live) continue;
    const ref = refOf(live);
    const place = isClusterScoped(ref.group, ref.kind) || !target ? ref.namespace : ref.namespace || namespace;
    index.put(bindManifest(live, app, { ...ref, namespace: place }));
  }
  return index;
}

/** Argo CD fills in the namespace of every target, even where the kind has none. */
function shownTask({ phase, wave, group, kind, name, prune, ...task }: SyncTask, namespace: string) {
  return { phase, wave, group, kind, name, prune, hook: false, namespace: task.namespace || (prune ? '' : namespace) };
}

/** The tasks that come in have a phase; one without is of Sync. */
function judgeSort({ input: { tasks }, expected }: OrderingCase): Verdict {
  const sorted = sortTasks(tasks.map(taskOf));
  const wanted = (expected as ListedTask[]).map(taskOf);
  const shown = ({ phase, wave, kind, namespace, name }: Task) => ({ phase, wave, kind, namespace, name });
  return whyDifferent(sorted.map(shown), wanted.map(shown));
}

function taskOf({ phase, wave, target, live }: ListedTask): Task {
  const object = target ?? live;
  if (!object) throw new Error('a task without target and live');
  const ref = refOf({ ...object, metadata: object.metadata ?? {} });
  const defines = definedKind(object);
  return { ...ref, phase: phase || 'Sync', wave, prune: !target, ...(defines ? { defines } : {}) };
}
