import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import type { IndexedApplication } from '../assign/applications.ts';
import { isHubObject } from '../render/render-stage.ts';
import { nameOf, namespaceOf, type SpecStore } from '../store/specs.ts';
import type { PreviewProblem } from './outlook.ts';

/** What App of Apps would write and delete on the hub, by `keyOf`. */
export interface SpecChanges {
  put: Map<string, KubeObject>;
  removed: Map<string, KubeObject>;
  problems: PreviewProblem[];
}

export function keyOf(resource: KubeObject): string {
  return `${resource.kind}/${namespaceOf(resource)}/${nameOf(resource)}`;
}

/** Compares the hub's objects in the bundle that a parent would have with those that it owns; returns whether anything is new. */
export function addChildren(
  parent: IndexedApplication,
  manifests: readonly KubeObject[],
  { changes, specs }: { changes: SpecChanges; specs: Pick<SpecStore, 'list'> },
): boolean {
  const size = changes.put.size + changes.removed.size;
  const owned = new Map(
    specs
      .list()
      .filter((spec) => spec.owner === parent.id)
      .map(({ resource }) => [keyOf(resource), resource]),
  );
  for (const manifest of manifests.filter(isHubObject)) {
    const child = readChild(manifest, parent, changes.problems);
    if (!child) continue;
    const present = owned.get(keyOf(child));
    owned.delete(keyOf(child));
    if (!present || canonicalJson(present) !== canonicalJson(child)) changes.put.set(keyOf(child), child);
  }
  if (parent.application.spec.syncPolicy?.automated?.prune)
    for (const [key, resource] of owned) changes.removed.set(key, resource);
  return changes.put.size + changes.removed.size > size;
}

function readChild(
  manifest: KubeObject,
  parent: IndexedApplication,
  problems: PreviewProblem[],
): KubeObject | undefined {
  const namespace = manifest.metadata.namespace ?? (parent.application.spec.destination.namespace || 'argocd');
  const placed = { ...manifest, metadata: { ...manifest.metadata, namespace } };
  try {
    return parseResource(placed, { unknownFields: 'warn' }).resource;
  } catch (error) {
    const { code, message } = toFleetError(error, 'Invalid');
    problems.push({ object: `${manifest.kind} ${namespace}/${manifest.metadata.name}`, code, message });
    return undefined;
  }
}
