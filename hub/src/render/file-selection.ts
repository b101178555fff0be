import { createHash } from 'node:crypto';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { markerFiles } from './discover.ts';
import { compileGlob } from './glob.ts';
import { relativePath } from './repository-path.ts';

/** Which files of a folder are manifests. Argo CD: `spec.source.directory`. */
export interface FileSelection {
  recurse?: boolean;
  /** Glob on the path below the folder; absent or '' takes all. */
  include?: string;
  /** Glob; wins over `include`. */
  exclude?: string;
  /** Take files of every extension. */
  disableExtensionFilter?: boolean;
}

const manifestName = /\.(?:yaml|yml|json|jsonnet)$/u;

export interface Listing {
  /** The selected files and symbolic links, in the order of a walk by name. */
  files: TreeEntry[];
  submodules: string[];
  /** sha256 (hex) of the selected names and object ids, and of what decides the tool: it changes when the render could. */
  digest: string;
}

export async function listFiles(snapshot: Snapshot, folder: string, selection: FileSelection): Promise<Listing> {
  const selects = compileSelection(selection);
  const files: TreeEntry[] = [];
  const submodules: string[] = [];
  const hash = createHash('sha256');
  for (const entry of await listEntries(snapshot, folder, selection.recurse ?? false)) {
    const path = relativePath(folder, entry.path);
    const selected = (entry.type === 'file' || entry.type === 'symlink') && selects(path);
    if (selected) files.push(entry);
    if (entry.type === 'submodule') submodules.push(entry.path);
    if (selected || isMarker(path)) hash.update(`${path}\0${entry.mode}\0${entry.oid}\n`);
  }
  return { files: files.sort(byPath), submodules, digest: hash.digest('hex') };
}

async function listEntries(snapshot: Snapshot, folder: string, recurse: boolean): Promise<TreeEntry[]> {
  return recurse ? await Array.fromAsync(snapshot.walk(folder)) : await snapshot.children(folder);
}

function compileSelection(selection: FileSelection): (path: string) => boolean {
  const include = selection.include ? compileGlob(selection.include, 'directory.include') : undefined;
  const exclude = selection.exclude ? compileGlob(selection.exclude, 'directory.exclude') : undefined;
  return (path) =>
    (selection.disableExtensionFilter === true || manifestName.test(path)) &&
    !exclude?.(path) &&
    (include?.(path) ?? true);
}

/** Directly in the folder only: the path has no '/'. */
function isMarker(path: string): boolean {
  return markerFiles.includes(path) || /^\.argocd-source[^/]*$/u.test(path);
}

/** Argo CD: filepath.Walk, entries of a folder by name, a folder's content in its place. */
function byPath(a: TreeEntry, b: TreeEntry): number {
  const [left, right] = [a.path.replaceAll('/', '\0'), b.path.replaceAll('/', '\0')];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
