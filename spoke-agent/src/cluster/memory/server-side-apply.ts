import type { KubeObject, ManagedFieldsEntry } from '@wheelhouse/shared/kube/object';
import { type FieldSet, isLeaf } from '../fields-v1.ts';
import { isEmptySet, unionOf, without } from './field-sets.ts';
import { changedFields, fieldsOf, mergeValues, removeFields } from './merge.ts';

/** Fields that the API server owns: never merged, never owned. */
const systemFields = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
];

/**
 * Kubernetes: server-side apply with forced conflicts. The applier owns exactly what `applied` names; what it owned
 * before and names no longer goes, unless another manager owns it too.
 */
export function applyManaged(live: KubeObject | undefined, applied: KubeObject, manager: string): KubeObject {
  const content = contentOf(applied);
  const owned = ownedFields(content);
  const entries = live?.metadata.managedFields ?? [];
  const previous = entryOf(entries, manager, 'Apply');
  const others = entries.filter((entry) => entry !== previous);
  const merged = (live ? mergeValues(live, content) : content) as KubeObject;
  const taken = live ? changedFields(contentOf(live), contentOf(merged)) : {};
  const keptEntries = others
    .map((entry) => ({ ...entry, fieldsV1: without(setOf(entry), taken) }))
    .filter((entry) => !isEmptySet(entry.fieldsV1));
  const kept = keptEntries.map(setOf).reduce(unionOf, owned);
  const dropped = without(previous ? setOf(previous) : {}, kept);
  const result = isEmptySet(dropped) ? merged : (removeFields(merged, dropped, kept) as KubeObject);
  return withEntries(result, [...keptEntries, entryFor(applied, { manager, operation: 'Apply', fields: owned })]);
}

/** Kubernetes: an update. What it changes or removes leaves every other manager; what it sets belongs to the updater. */
export function updateManaged(live: KubeObject, next: KubeObject, manager: string): KubeObject {
  const changed = changedFields(contentOf(live), contentOf(next));
  const set = intersection(changed, ownedFields(contentOf(next)));
  const entries = live.metadata.managedFields ?? [];
  const mine = entryOf(entries, manager, 'Update');
  const others = entries
    .filter((entry) => entry !== mine)
    .map((entry) => ({ ...entry, fieldsV1: without(setOf(entry), changed) }))
    .filter((entry) => !isEmptySet(entry.fieldsV1));
  const fields = unionOf(without(mine ? setOf(mine) : {}, changed), set);
  return withEntries(
    next,
    isEmptySet(fields) ? others : [...others, entryFor(next, { manager, operation: 'Update', fields })],
  );
}

/** `changed` as far as `present` still has it, each removed field left out. */
function intersection(changed: FieldSet, present: FieldSet): FieldSet {
  const out: FieldSet = {};
  for (const [step, below] of Object.entries(changed)) {
    const there = present[step];
    if (!there) continue;
    out[step] = isLeaf(below) ? there : intersection(below, there);
  }
  return out;
}

function ownedFields(content: KubeObject): FieldSet {
  const { 'f:apiVersion': _apiVersion, 'f:kind': _kind, 'f:metadata': metadata = {}, ...fields } = fieldsOf(content);
  const { 'f:name': _name, 'f:namespace': _namespace, 'f:generateName': _generateName, ...named } = metadata;
  return isEmptySet(named) ? fields : { 'f:metadata': named, ...fields };
}

/** The object without what the API server and controllers own. */
function contentOf(object: KubeObject): KubeObject {
  const { status: _status, metadata, ...rest } = object;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([name]) => !systemFields.includes(name)));
  return { ...rest, metadata: kept };
}

function entryOf(entries: ManagedFieldsEntry[], manager: string, operation: string): ManagedFieldsEntry | undefined {
  return entries.find((entry) => entry.manager === manager && entry.operation === operation);
}

function setOf(entry: ManagedFieldsEntry): FieldSet {
  return (entry.fieldsV1 ?? {}) as FieldSet;
}

function entryFor(
  object: KubeObject,
  { manager, operation, fields }: { manager: string; operation: string; fields: FieldSet },
): ManagedFieldsEntry {
  return { manager, operation, apiVersion: object.apiVersion, fieldsType: 'FieldsV1', fieldsV1: fields };
}

function withEntries(object: KubeObject, managedFields: ManagedFieldsEntry[]): KubeObject {
  return { ...object, metadata: { ...object.metadata, managedFields } };
}
