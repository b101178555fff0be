import {
  formatTrackingId,
  type KubeObject,
  type ObjectRef,
  refOf,
  trackingAnnotation,
} from '@wheelhouse/shared/kube/object';
import type { Health } from '../health/health.ts';

/** Argo CD's health rules; undefined for kinds without any. */
export type HealthOf = (object: KubeObject) => Health | undefined;

/** What is kept of a live object: a few hundred bytes, whatever its size. */
export interface LiveEntry {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  /** Whose it is, if its tracking id names this very object. */
  owner?: string;
  /** Its annotations that say how to treat it. */
  annotations: Record<string, string>;
  deleting: boolean;
  health?: Health;
  /** Whether an owned field differs from what was applied; undefined while nothing is known to have been applied. */
  drifted?: boolean;
  /** The object itself, only while it is unknown what was applied. */
  object?: KubeObject;
}

export interface Summarizing {
  healthOf: HealthOf;
  /** Whether the object differs from what was applied; undefined when that is not known. */
  isDrifted: (key: string, object: KubeObject) => boolean | undefined;
}

const keptAnnotations = [
  'argocd.argoproj.io/sync-options',
  'argocd.argoproj.io/sync-wave',
  'argocd.argoproj.io/compare-options',
  'argocd.argoproj.io/hook',
  'helm.sh/hook',
  'helm.sh/hook-weight',
  'helm.sh/resource-policy',
];

/** Identity of an object as one API version serves it: `group/version/Kind:namespace/name`. */
export function liveKey(ref: ObjectRef): string {
  return `${ref.group}/${ref.version}/${ref.kind}:${ref.namespace}/${ref.name}`;
}

export function summarize(object: KubeObject, { healthOf, isDrifted }: Summarizing): LiveEntry {
  const ref = refOf(object);
  const { metadata } = object;
  const owner = trackedBy(object, ref);
  const health = healthOf(object);
  const drifted = isDrifted(liveKey(ref), object);
  return {
    ref,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    ...(owner ? { owner } : {}),
    annotations: pick(metadata.annotations),
    deleting: metadata.deletionTimestamp !== undefined,
    ...(health ? { health } : {}),
    ...(drifted === undefined ? { object } : { drifted }),
  };
}

/** The Application whose tracking id it carries. Argo CD: one that does not name the object itself (a copy) makes it nobody's. */
export function trackedBy(object: KubeObject, ref: ObjectRef): string | undefined {
  const id = object.metadata.annotations?.[trackingAnnotation];
  if (!id) return undefined;
  const app = id.slice(0, Math.max(0, id.indexOf(':')));
  return formatTrackingId(app, ref) === id ? app : undefined;
}

/** Whether the difference between two versions matters to nobody. */
export function isSameEntry(a: LiveEntry | undefined, b: LiveEntry): boolean {
  return a !== undefined && !a.object && !b.object && essenceOf(a) === essenceOf(b);
}

function essenceOf({ uid, owner, deleting, drifted, health, annotations }: LiveEntry): string {
  return JSON.stringify([uid, owner, deleting, drifted, health?.status, health?.message, annotations]);
}

function pick(annotations: Record<string, string> | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of keptAnnotations) {
    const value = annotations?.[name];
    if (value !== undefined) out[name] = value;
  }
  return out;
}
