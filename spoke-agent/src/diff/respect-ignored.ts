import type { PathStep } from '@wheelhouse/shared/kube/jq-path';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { type FieldSet, isLeaf, self, stepInto } from '../cluster/fields-v1.ts';
import type { IgnoreRule } from './ignore.ts';
import { fieldsOwnedBy } from './owned-fields.ts';

/**
 * Argo CD: sync option RespectIgnoreDifferences. What is ignored is taken from the live object, so that the apply
 * leaves it as it is. List items are matched by `name`, else by position.
 */
export function respectIgnored(desired: KubeObject, live: KubeObject, rule: IgnoreRule): KubeObject {
  const copy = structuredClone(desired);
  for (const path of rule.paths) copyPath(copy, live, path);
  for (const fields of fieldsOwnedBy(live, rule.managers)) copyFields(copy, live, fields);
  return copy;
}

type Holder = Record<string | number, unknown>;

function copyPath(desired: unknown, live: unknown, [step, ...rest]: PathStep[]): void {
  if (step === undefined || !isHolder(desired) || !isHolder(live)) return;
  if (step === 'each') {
    for (const [key, item] of Object.entries(desired))
      copyStep({ desired, key, live: counterpart(item, key, live) }, rest);
  } else if ('where' in step) copyPath(desired, live, rest);
  else {
    const key = 'field' in step ? step.field : step.index;
    copyStep({ desired, key, live: live[key] }, rest);
  }
}

function copyStep(at: { desired: Holder; key: string | number; live: unknown }, rest: PathStep[]): void {
  if (rest.length > 0) return copyPath(at.desired[at.key], at.live, rest);
  if (at.live !== undefined) at.desired[at.key] = structuredClone(at.live);
  else if (!Array.isArray(at.desired)) delete at.desired[at.key];
}

function counterpart(item: unknown, key: string, live: Holder): unknown {
  const name = isHolder(item) ? item['name'] : undefined;
  if (!Array.isArray(live) || name === undefined) return live[key];
  return live.find((candidate: unknown) => isHolder(candidate) && candidate['name'] === name);
}

/** Takes over the fields of a set, as far as both objects have them. */
function copyFields(desired: unknown, live: unknown, fields: FieldSet): void {
  for (const [step, below] of Object.entries(fields)) {
    if (step === self || !isHolder(desired)) continue;
    const [ours, theirs] = [stepInto(desired, step), stepInto(live, step)];
    if (ours === undefined || theirs === undefined) continue;
    if (!isLeaf(below)) copyFields(ours, theirs, below);
    else if (step.startsWith('f:')) desired[step.slice(2)] = structuredClone(theirs);
  }
}

function isHolder(value: unknown): value is Holder {
  return value !== null && typeof value === 'object';
}
