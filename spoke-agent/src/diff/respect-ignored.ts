import type { PathStep } from '@wheelhouse/shared/kube/jq-steps';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { holds, isHolder, isWhere, keyIn } from '@wheelhouse/shared/kube/path-steps';
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
  if (step === 'each') copyEach(desired, live, rest);
  else if (step === 'descend') copyBelow(desired, live, rest);
  else if (!('where' in step)) copyOne({ desired, live }, step, rest);
  else if (step.where(desired)) copyPath(desired, live, rest);
}

function copyOne(
  { desired, live }: { desired: Holder; live: Holder },
  step: Parameters<typeof keyIn>[1],
  rest: PathStep[],
): void {
  const [[ours], [theirs]] = [keyIn(desired, step), keyIn(live, step)];
  const key = ours ?? theirs;
  if (key !== undefined) copyStep({ desired, key, live: theirs === undefined ? undefined : live[theirs] }, rest);
}

function copyEach(desired: Holder, live: Holder, rest: PathStep[]): void {
  for (const [key, item] of Object.entries(desired))
    copyStep({ desired, key, live: counterpart(item, key, live) }, rest);
}

function copyBelow(desired: Holder, live: Holder, rest: PathStep[]): void {
  copyPath(desired, live, rest.every(isWhere) ? ['each', ...rest] : rest);
  for (const [key, item] of Object.entries(desired)) copyPath(item, counterpart(item, key, live), ['descend', ...rest]);
}

function copyStep(at: { desired: Holder; key: string | number; live: unknown }, rest: PathStep[]): void {
  const here = at.desired[at.key];
  if (!rest.every(isWhere)) return copyPath(here, at.live, rest);
  if (rest.length > 0 && !holds(here, rest)) return;
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
