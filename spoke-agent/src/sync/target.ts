import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import { isClusterScoped } from '@wheelhouse/shared/kube/kinds';
import {
  formatRef,
  formatTrackingId,
  type KubeObject,
  type ObjectRef,
  refOf,
  trackingAnnotation,
} from '@wheelhouse/shared/kube/object';
import type { KubeKind } from '../cluster/cluster.ts';
import { liveKey } from '../watch/live-entry.ts';
import { type Annotations, isHook, isSkipped, waveOf } from './hooks.ts';
import { asStandby } from './standby.ts';
import { resourceOptions, type SyncOptions, unsupportedOptions } from './sync-options.ts';

/** One manifest of a bundle, bound to its Application: without its content, which is read again when it is applied. */
export interface DesiredResource {
  /** `group/Kind:namespace/name`. */
  key: string;
  /** Its `liveKey`. */
  liveKey: string;
  ref: ObjectRef;
  /** Place in the bundle. */
  at: number;
  /** Digest of what will be applied. */
  digest: string;
  wave: number;
  options: SyncOptions;
  /** What of its options is not done as written. */
  unsupported: string[];
  hook: boolean;
  /** Argo CD: annotation ignore-healthcheck. */
  ignoresHealth: boolean;
  /** `group/Kind` that it defines. */
  defines?: string;
}

export interface Condition {
  type: string;
  message: string;
}

/** A bundle as one Application on this cluster wants it. */
export interface Target {
  bundle: string;
  namespace: string;
  standby: boolean;
  resources: DesiredResource[];
  hooks: DesiredResource[];
  /** Keys of both, and of what is to be skipped: neither applied nor pruned. */
  keys: ReadonlySet<string>;
  /** What is wrong with the bundle; such manifests are left out. */
  conditions: Condition[];
}

export interface Binding {
  app: string;
  bundle: string;
  /** Destination namespace, for namespaced manifests that name none. */
  namespace: string;
  standby: boolean;
  /** Whether the cluster serves the kind in namespaces; undefined when it does not serve it. */
  isNamespaced: (kind: KubeKind) => Promise<boolean | undefined>;
}

/** Binds a bundle's manifests to an Application: namespaces filled in, tracking ids known, duplicates settled. */
export async function bindTarget(manifests: readonly KubeObject[], binding: Binding): Promise<Target> {
  const conditions: Condition[] = [];
  const defined = scopesDefinedBy(manifests);
  const byKey = new Map<string, DesiredResource>();
  const skipped: string[] = [];
  for (const [at, manifest] of manifests.entries()) {
    const wrong = whyInvalid(manifest);
    if (wrong) {
      conditions.push({ type: 'ComparisonError', message: `manifest ${at + 1} of the bundle: ${wrong}` });
      continue;
    }
    const namespaced = await scopeOf(manifest, defined, binding);
    const bound = placed(binding.standby ? asStandby(manifest) : manifest, binding, namespaced);
    if (isSkipped(manifest.metadata.annotations ?? {})) {
      skipped.push(formatRef(refOf(bound)));
      continue;
    }
    const resource = describeResource(bound, at);
    if (byKey.has(resource.key))
      conditions.push({
        type: 'RepeatedResourceWarning',
        message: `${resource.key} appears more than once; the last one counts`,
      });
    byKey.set(resource.key, resource);
  }
  const all = [...byKey.values()];
  return {
    bundle: binding.bundle,
    namespace: binding.namespace,
    standby: binding.standby,
    resources: all.filter(({ hook }) => !hook),
    hooks: all.filter(({ hook }) => hook),
    keys: new Set([...byKey.keys(), ...skipped]),
    conditions,
  };
}

/** The manifest as it is applied: in its namespace, with the tracking id. Does not change its argument. */
export function bindManifest(manifest: KubeObject, app: string, ref: ObjectRef): KubeObject {
  const { namespace: _namespace, annotations, ...metadata } = manifest.metadata;
  return {
    ...manifest,
    metadata: {
      ...metadata,
      ...(ref.namespace ? { namespace: ref.namespace } : {}),
      annotations: { ...annotations, [trackingAnnotation]: formatTrackingId(app, ref) },
    },
  };
}

/** `group/Kind` that a CustomResourceDefinition defines; undefined for anything else. */
export function definedKind(object: KubeObject): string | undefined {
  if (object.kind !== 'CustomResourceDefinition') return undefined;
  const { group, names } = (object['spec'] ?? {}) as { group?: string; names?: { kind?: string } };
  return `${group}/${names?.kind}`;
}

function whyInvalid(manifest: KubeObject): string | undefined {
  if (!manifest.apiVersion || !manifest.kind) return 'it names no apiVersion or kind';
  const { name, generateName, annotations = {} } = manifest.metadata ?? {};
  if (name || (generateName && isHook(annotations))) return undefined;
  return generateName
    ? `${manifest.kind} ${generateName}… has only generateName, which cannot be kept in sync; give it a name`
    : `${manifest.kind} has no metadata.name`;
}

async function scopeOf(manifest: KubeObject, defined: Map<string, boolean>, binding: Binding): Promise<boolean> {
  const kind = refOf(manifest);
  const clusterScoped = isClusterScoped(kind.group, kind.kind);
  if (clusterScoped !== undefined) return !clusterScoped;
  return (await binding.isNamespaced(kind)) ?? defined.get(`${kind.group}/${kind.kind}`) ?? true;
}

function scopesDefinedBy(manifests: readonly KubeObject[]): Map<string, boolean> {
  const scopes = new Map<string, boolean>();
  for (const manifest of manifests) {
    const kind = definedKind(manifest);
    if (kind) scopes.set(kind, (manifest['spec'] as { scope?: string }).scope !== 'Cluster');
  }
  return scopes;
}

function placed(manifest: KubeObject, binding: Binding, namespaced: boolean): KubeObject {
  const namespace = namespaced ? (manifest.metadata.namespace ?? binding.namespace) : '';
  return bindManifest(manifest, binding.app, { ...refOf(manifest), namespace });
}

function describeResource(manifest: KubeObject, at: number): DesiredResource {
  const ref = refOf(manifest);
  const annotations: Annotations = manifest.metadata.annotations ?? {};
  const defines = definedKind(manifest);
  const options = resourceOptions(annotations);
  return {
    key: formatRef(ref),
    liveKey: liveKey(ref),
    ref,
    at,
    digest: digestOf(canonicalJson(manifest)),
    wave: waveOf(annotations),
    options,
    unsupported: unsupportedOptions(options),
    hook: isHook(annotations),
    ignoresHealth: annotations['argocd.argoproj.io/ignore-healthcheck'] === 'true',
    ...(defines ? { defines } : {}),
  };
}
