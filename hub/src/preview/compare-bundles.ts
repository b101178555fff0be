import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { formatRef, type KubeObject, type ObjectRef, refOf } from '@wheelhouse/shared/kube/object';
import { unifiedDiff } from '@wheelhouse/shared/kube/unified-diff';

/** How one object of a bundle differs from the one before. */
export interface ObjectChange {
  ref: ObjectRef;
  kind: 'added' | 'changed' | 'removed';
  /** Unified diff of the YAML; never a Secret's. */
  text: string;
  /** Lines that come and go. */
  lines: { added: number; removed: number };
}

/** What differs between two bundles, by object. An object that changes only its order is not one. */
export function compareBundles(before: readonly KubeObject[], after: readonly KubeObject[]): ObjectChange[] {
  const [was, is] = [byIdentity(before), byIdentity(after)];
  const identities = [...new Set([...was.keys(), ...is.keys()])].sort();
  return identities.flatMap((identity) => {
    const [one, other] = [was.get(identity), is.get(identity)];
    if (one && other && canonicalJson(one) === canonicalJson(other)) return [];
    return changeOf(one, other);
  });
}

/** A changed API version is a change of the same object. */
function byIdentity(objects: readonly KubeObject[]): Map<string, KubeObject> {
  return new Map(objects.map((object) => [formatRef(refOf(object)), object]));
}

function changeOf(before: KubeObject | undefined, after: KubeObject | undefined): ObjectChange[] {
  const object = after ?? before;
  if (!object) return [];
  const ref = refOf(object);
  const kind = !before ? 'added' : !after ? 'removed' : 'changed';
  if (ref.kind === 'Secret' && ref.group === '') return [{ ref, kind, text: '', lines: { added: 0, removed: 0 } }];
  const text = unifiedDiff(formatRef(ref), { label: 'before', object: before }, { label: 'after', object: after });
  return [{ ref, kind, text, lines: countLines(text) }];
}

/** Lines of a unified diff that begin with + or -, but for its heading. */
export function changedLines(text: string): string[] {
  return text
    .split('\n')
    .slice(2)
    .filter((line) => /^[+-]/.test(line));
}

function countLines(text: string): ObjectChange['lines'] {
  const lines = changedLines(text);
  const added = lines.filter((line) => line.startsWith('+')).length;
  return { added, removed: lines.length - added };
}
