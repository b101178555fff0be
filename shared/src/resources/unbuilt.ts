import type { KubeObject } from '../kube/object.ts';

/** Kinds that the hub accepts and keeps although nothing acts upon them yet, by API group. */
const unbuiltKinds = {
  'argoproj.io': [
    'AnalysisRun',
    'AnalysisTemplate',
    'ArgoCD',
    'ClusterAnalysisTemplate',
    'ClusterWorkflowTemplate',
    'CronWorkflow',
    'EventBus',
    'EventSource',
    'Experiment',
    'ImageUpdater',
    'NotificationsConfiguration',
    'Rollout',
    'RolloutManager',
    'Sensor',
    'Workflow',
    'WorkflowEventBinding',
    'WorkflowTaskSet',
    'WorkflowTemplate',
  ],
  'bitnami.com': ['SealedSecret'],
} as const;

export type UnbuiltKind = (typeof unbuiltKinds)[keyof typeof unbuiltKinds][number];

/** An object of such a kind, as it came: only its kind and its metadata were looked at. */
export interface UnbuiltResource extends KubeObject {
  kind: UnbuiltKind;
  metadata: { name: string; namespace: string; [field: string]: unknown };
}

export function isUnbuiltKind(group: string, kind: string): kind is UnbuiltKind {
  const kinds: readonly string[] | undefined = (unbuiltKinds as Record<string, readonly string[]>)[group];
  return kinds?.includes(kind) ?? false;
}

/** Fields below `spec` that are read and kept, but that nothing acts upon yet, by kind. */
const unbuiltFields: Readonly<Record<string, readonly string[]>> = {
  AppProject: ['roles'],
  Application: ['revisionHistoryLimit'],
};

const nothing = new Set<string | undefined>([undefined, 'false', '[]', '{}']);

/** A sentence for each such field that an object sets; nothing is ignored without a word. */
export function warnOfUnbuiltFields({ kind, spec }: { kind: string; spec?: unknown }): string[] {
  const set = (spec ?? {}) as Record<string, unknown>;
  const isSet = (field: string) => !nothing.has(JSON.stringify(set[field]));
  const used = (unbuiltFields[kind] ?? []).filter(isSet);
  return used.map((field) => `spec.${field} is not built yet and has no effect`);
}
