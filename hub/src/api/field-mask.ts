/** Field names to keep or to drop. */
export interface FieldMask {
  exclude: boolean;
  fields: FieldTree;
}

interface FieldTree {
  [name: string]: FieldTree | 'whole';
}

/**
 * Reads Argo CD's `fields` parameter: `items.metadata.name,items.status.sync`, or with a leading `-` all but those.
 * Returns the mask of what is below `prefix` (`items`, `result.application`); undefined when everything is wanted.
 */
export function parseFieldMask(text: string | undefined, prefix: string): FieldMask | undefined {
  if (!text) return undefined;
  const exclude = text.startsWith('-');
  const paths = text.slice(exclude ? 1 : 0).split(',');
  if (!exclude && paths.includes(prefix)) return undefined;
  const fields = emptyTree();
  for (const path of paths) if (path.startsWith(`${prefix}.`)) grow(fields, path.slice(prefix.length + 1).split('.'));
  return { exclude, fields };
}

/** The part of a value that the mask leaves. Lists are looked through. */
export function applyFieldMask(value: unknown, mask: FieldMask | undefined): unknown {
  return mask ? project(value, mask.fields, mask.exclude) : value;
}

function project(value: unknown, fields: FieldTree, exclude: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => project(item, fields, exclude));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    const below = fields[name];
    if (typeof below === 'object') kept[name] = project(child, below, exclude);
    else if ((below === 'whole') !== exclude) kept[name] = child;
  }
  return kept;
}

function grow(tree: FieldTree, path: string[]): void {
  const [name = '', ...rest] = path;
  const below = tree[name];
  if (rest.length === 0) tree[name] = 'whole';
  else if (below !== 'whole') grow((tree[name] = below ?? emptyTree()), rest);
}

function emptyTree(): FieldTree {
  return Object.create(null) as FieldTree;
}
