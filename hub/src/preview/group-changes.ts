import { createHash } from 'node:crypto';
import { changedLines, type ObjectChange } from './compare-bundles.ts';

/** What a commit does to one Application. */
export interface ApplicationChange {
  /** Application id. */
  app: string;
  cluster: string;
  kind: 'added' | 'changed' | 'removed';
  objects: ObjectChange[];
  /** It is removed and has no finalizer: its objects stay where they run, and nobody looks after them any more. */
  leavesObjects?: true;
}

/** Applications that change in the same way; `objects` are those of the first of them. */
export interface ChangeGroup {
  kind: ApplicationChange['kind'];
  applications: { app: string; cluster: string }[];
  clusters: number;
  lines: { added: number; removed: number };
  objects: ObjectChange[];
  leavesObjects?: true;
}

/**
 * Puts together what is the same change: the same kinds of objects with the same lines, where the names of the
 * Application and its cluster may differ. The largest groups first.
 */
export function groupChanges(changes: readonly ApplicationChange[]): ChangeGroup[] {
  const groups = new Map<string, ApplicationChange[]>();
  for (const change of changes) {
    const key = fingerprint(change);
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return [...groups.values()].map(groupOf).sort((a, b) => b.applications.length - a.applications.length);
}

function groupOf(changes: readonly ApplicationChange[]): ChangeGroup {
  const [first] = changes;
  const objects = first?.objects ?? [];
  const sum = (side: 'added' | 'removed') => objects.reduce((total, { lines }) => total + lines[side], 0);
  return {
    kind: first?.kind ?? 'changed',
    applications: changes.map(({ app, cluster }) => ({ app, cluster })),
    clusters: new Set(changes.map(({ cluster }) => cluster)).size,
    lines: { added: sum('added'), removed: sum('removed') },
    objects,
    ...(first?.leavesObjects ? { leavesObjects: true } : {}),
  };
}

function fingerprint({ app, cluster, kind, objects, leavesObjects }: ApplicationChange): string {
  const hash = createHash('sha256').update(`${kind} ${leavesObjects ?? false}`);
  const names = [app, cluster].filter((name) => name !== '');
  const neutral = (text: string) => names.reduce((rest, name, index) => rest.replaceAll(name, `{${index}}`), text);
  for (const { ref, kind: change, text } of objects) {
    hash.update(`\n${change} ${ref.group}/${ref.kind} ${neutral(`${ref.namespace}/${ref.name}`)}\n`);
    hash.update(neutral(changedLines(text).join('\n')));
  }
  return hash.digest('base64');
}
