import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { FieldSet } from '../cluster/fields-v1.ts';

/** The fields that a manager owns by server-side apply, but for the status, which Argo CD compares of no kind; empty when it owns none. */
export function ownedFields(object: KubeObject, manager: string): FieldSet {
  const entry = object.metadata.managedFields?.find(
    (candidate) => candidate.manager === manager && candidate.operation === 'Apply' && !candidate.subresource,
  );
  const { 'f:status': _status, ...fields } = (entry?.fieldsV1 ?? {}) as FieldSet;
  return fields;
}

/** The fields that any of these managers owns, by whatever operation. */
export function fieldsOwnedBy(object: KubeObject, managers: readonly string[]): FieldSet[] {
  return (object.metadata.managedFields ?? [])
    .filter(({ manager }) => manager !== undefined && managers.includes(manager))
    .map(({ fieldsV1 }) => (fieldsV1 ?? {}) as FieldSet);
}
