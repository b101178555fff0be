import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import type { IndexedApplication } from '../assign/applications.ts';
import { assertProject } from '../project/project.ts';
import { isHubObject } from '../render/render-stage.ts';
import { assertRollout } from '../rollout/check.ts';
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
  { changes, specs }: { changes: SpecChanges; specs: Pick<SpecStore, 'list' | 'find'> },
): boolean {
  const size = changes.put.size + changes.removed.size;
  const owned = new Map(
    specs
      .list()
      .filter((spec) => spec.owner === parent.id)
      .map(({ resource }) => [keyOf(resource), resource]),
  );
  const children = manifests.filter(isHubObject);
  for (const manifest of children) {
    const child = readChild(manifest, parent, { changes, specs });
    const key = keyOf(placedIn(parent, manifest));
    const present = owned.get(key);
    owned.delete(key);
    if (child && (!present || canonicalJson(present) !== canonicalJson(child))) changes.put.set(key, child);
  }
  removeOwned(parent, owned, { changes, isEmpty: children.length === 0 });
  return changes.put.size + changes.removed.size > size;
}

/** What its parent owns and does not want any more, as far as automation would delete it. */
function removeOwned(
  { id, application }: IndexedApplication,
  owned: ReadonlyMap<string, KubeObject>,
  { changes, isEmpty }: { changes: SpecChanges; isEmpty: boolean },
): void {
  const automated = application.spec.syncPolicy?.automated;
  if (!automated?.prune || owned.size === 0) return;
  if (!isEmpty || automated.allowEmpty) {
    for (const [key, resource] of owned) changes.removed.set(key, resource);
    return;
  }
  const message = `none of its ${owned.size} objects would be left, which an automated sync does not delete: they stay; set allowEmpty if that is meant`;
  changes.problems.push({ object: `Application ${id}`, code: 'DeletionHeld', message });
}

function placedIn(parent: IndexedApplication, manifest: KubeObject): KubeObject {
  const namespace = manifest.metadata.namespace ?? (parent.application.spec.destination.namespace || 'argocd');
  return { ...manifest, metadata: { ...manifest.metadata, namespace } };
}

/** As the hub would take it; undefined for one that it would refuse, which stays as it is. */
function readChild(
  manifest: KubeObject,
  parent: IndexedApplication,
  { changes, specs }: { changes: SpecChanges; specs: Pick<SpecStore, 'find'> },
): KubeObject | undefined {
  const placed = placedIn(parent, manifest);
  const target = [placed.kind, namespaceOf(placed), nameOf(placed)] as const;
  try {
    const { resource } = parseResource(placed, { unknownFields: 'warn' });
    assertProject(resource);
    assertRollout(resource);
    const owner = specs.find(...target)?.owner;
    if (owner !== undefined && owner !== parent.id)
      throw new FleetError('Conflict', `it belongs to application ${owner}, and ${parent.id} may not change it`);
    return resource;
  } catch (error) {
    const { code, message } = toFleetError(error, 'Invalid');
    const [kind, namespace, name] = target;
    changes.problems.push({ object: `${kind} ${namespace}/${name}`, code, message });
    return undefined;
  }
}
