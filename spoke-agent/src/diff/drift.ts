/**
 * Drift by ownership: an object drifted when a field that we own no longer says what it said right after our apply.
 * Inputs are live objects as the API server returned them, so that its defaults, its spelling of quantities and what
 * webhooks change can never be mistaken for drift. It sends nothing.
 */
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { fieldManager } from '../cluster/cluster.ts';
import { type FieldSet, isLeaf, self } from '../cluster/fields-v1.ts';
import { type IgnoreRule, withoutIgnored } from './ignore.ts';
import { fieldsOwnedBy, ownedFields } from './owned-fields.ts';
import { type Projection, project, removeFromProjection, watchedFields } from './projection.ts';

/** What is remembered of an apply. */
export interface Applied {
  /** The fields we own, as JSON of a `fieldsV1` tree. */
  fields: string;
  /** Digest of the live object in these fields. */
  projection: string;
  /** The projection itself, only where fields of other managers are to be taken out of it. */
  values?: Projection;
}

/** What to remember, from the answer to an apply of `manifest`. */
export function rememberApplied(live: KubeObject, manifest: KubeObject, rule: IgnoreRule | undefined): Applied {
  const fields = watchedFields(ownedFields(live, fieldManager), manifest);
  const values = project(withoutIgnored(live, rule), fields);
  const applied = { fields: JSON.stringify(fields), projection: digestOf(canonicalJson(values)) };
  return rule && rule.managers.length > 0 ? { ...applied, values } : applied;
}

export function isDrifted(live: KubeObject, applied: Applied, rule: IgnoreRule | undefined): boolean {
  const fields = JSON.parse(applied.fields) as FieldSet;
  const values = project(withoutIgnored(live, rule), fields);
  if (!rule || rule.managers.length === 0 || applied.values === undefined)
    return digestOf(canonicalJson(values)) !== applied.projection;
  const theirs = fieldsOwnedBy(live, rule.managers);
  const rest = (projection: Projection) => canonicalJson(theirs.reduce(removeFromProjection, projection) ?? {});
  return rest(values) !== rest(applied.values);
}

/** Whether an apply would change nothing: `dry` is the answer to its dry run, `live` the object as it is. */
export function wouldChangeNothing(dry: KubeObject, live: KubeObject, rule: IgnoreRule | undefined): boolean {
  const fields = ownedFields(dry, fieldManager);
  const [after, before] = [dry, live].map((object) => canonicalJson(project(withoutIgnored(object, rule), fields)));
  return after === before && covers(fields, ownedFields(live, fieldManager));
}

/** Whether every field of `inner` is in `outer`: none that we own would go. */
function covers(outer: FieldSet, inner: FieldSet): boolean {
  return Object.entries(inner).every(([step, below]) => {
    const there = outer[step];
    return there !== undefined && (step === self || isLeaf(below) || isLeaf(there) || covers(there, below));
  });
}
