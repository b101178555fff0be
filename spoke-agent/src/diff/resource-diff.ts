/**
 * What `app diff` shows: how one object of the cluster differs from what it would be after an apply. Inputs are the
 * live object and the answer of a server-side dry run; it sends nothing itself and never shows a Secret's values.
 */
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { formatRef, type KubeObject, type ObjectRef } from '@wheelhouse/shared/kube/object';
import { unifiedDiff } from '@wheelhouse/shared/kube/unified-diff';
import { type IgnoreRule, withoutIgnored } from './ignore.ts';
import { maskSecrets } from './secret-mask.ts';

export interface ResourceDiff {
  ref: ObjectRef;
  kind: 'added' | 'changed' | 'removed';
  live?: KubeObject;
  desired?: KubeObject;
  /** Unified diff of the YAML, live first. */
  text: string;
}

export interface Versions {
  ref: ObjectRef;
  live: KubeObject | undefined;
  desired: KubeObject | undefined;
  ignore?: IgnoreRule | undefined;
}

/** undefined: no difference but in what is ignored, in status, or in what the API server keeps for itself. */
export function diffResource({ ref, live, desired, ignore }: Versions): ResourceDiff | undefined {
  const shown = shownOf({ ref, live, desired, ignore });
  const kind = !live ? 'added' : !desired ? 'removed' : 'changed';
  if (shown.live && shown.desired && canonicalJson(shown.live) === canonicalJson(shown.desired)) return undefined;
  if (!live && !desired) return undefined;
  const sides = [
    { label: 'live', object: shown.live },
    { label: 'desired', object: shown.desired },
  ] as const;
  return { ref, kind, ...shown, text: unifiedDiff(formatRef(ref), ...sides) };
}

function shownOf({ ref, live, desired, ignore }: Versions): Pick<ResourceDiff, 'live' | 'desired'> {
  const versions = {
    ...(desired ? { desired: comparable(desired, ignore) } : {}),
    ...(live ? { live: comparable(live, ignore) } : {}),
  };
  // not by what the object says of itself: that can be ignored
  return ref.kind === 'Secret' ? maskSecrets(versions) : versions;
}

const serverFields = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];

function comparable(object: KubeObject, ignore: IgnoreRule | undefined): KubeObject {
  const { status: _status, metadata, ...rest } = withoutIgnored(object, ignore);
  const kept = Object.fromEntries(Object.entries(metadata ?? {}).filter(([name]) => !serverFields.includes(name)));
  return { ...rest, metadata: kept };
}
