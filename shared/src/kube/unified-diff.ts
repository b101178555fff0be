import { createTwoFilesPatch } from 'diff';
import { canonicalJson } from './canonical.ts';
import { parseJson } from './json.ts';
import type { KubeObject } from './object.ts';
import { formatYaml } from './yaml.ts';

export interface DiffedObject {
  /** What stands before `name` in the heading. */
  label: string;
  object: KubeObject | undefined;
}

/** Unified diff of two objects' YAML in the order of their keys, with three lines of context; a side that is absent is empty. */
export function unifiedDiff(name: string, before: DiffedObject, after: DiffedObject): string {
  const text = ({ object }: DiffedObject) => (object ? formatYaml(parseJson(canonicalJson(object))) : '');
  const names = [`${before.label} ${name}`, `${after.label} ${name}`] as const;
  const patch = createTwoFilesPatch(...names, text(before), text(after), '', '', { context: 3 });
  return patch.replace(/^=+\n/, '');
}
