/** A snapshot of files in memory, with Git's object ids: equal content, equal id. Unpacked charts and artifacts; also for tests. */
import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Snapshot, TreeEntry } from './snapshot.ts';

export type MemoryFiles = Record<string, string | Buffer | { link: string } | { executable: Buffer }>;

/** `files` by path from the root; the commit's sha follows from the content unless given. */
export function createMemorySnapshot(files: MemoryFiles, sha?: string): Snapshot & { reads: number } {
  const blobs = new Map<string, Buffer>();
  const entries = new Map<string, TreeEntry>();
  const below = new Map<string, TreeEntry[]>([['', []]]);
  for (const [path, content] of Object.entries(files)) {
    const { bytes, type, mode } = contentOf(content);
    const oid = oidOf('blob', bytes);
    blobs.set(oid, bytes);
    add({ path, name: nameOf(path), oid, type, mode });
  }
  nameTrees(below, entries);
  const root = entries.get('')?.oid ?? '';
  const children = async (path: string): Promise<TreeEntry[]> => {
    const found = below.get(path);
    if (found) return found;
    throw new FleetError('PathNotFound', `path "${path}" is no directory at ${sha ?? root}`);
  };
  const snapshot = {
    sha: sha ?? oidOf('commit', Buffer.from(root)),
    reads: 0,
    entry: async (path: string) => entries.get(path),
    children,
    async *walk(path: string): AsyncGenerator<TreeEntry> {
      for (const entry of await children(path)) {
        yield entry;
        if (entry.type === 'tree') yield* snapshot.walk(entry.path);
      }
    },
    read: async (oid: string) => {
      snapshot.reads += 1;
      const content = blobs.get(oid);
      if (!content) throw new Error(`no blob ${oid}`);
      return content;
    },
  };
  return snapshot;

  function add(entry: TreeEntry): void {
    entries.set(entry.path, entry);
    const folder = folderOf(entry.path);
    const siblings = below.get(folder);
    if (siblings) siblings.push(entry);
    else {
      below.set(folder, [entry]);
      if (folder !== '') add({ path: folder, name: nameOf(folder), oid: '', type: 'tree', mode: '040000' });
    }
  }
}

function contentOf(content: MemoryFiles[string]): { bytes: Buffer; type: 'file' | 'symlink'; mode: string } {
  if (typeof content === 'string' || Buffer.isBuffer(content))
    return { bytes: Buffer.from(content), type: 'file', mode: '100644' };
  if ('link' in content) return { bytes: Buffer.from(content.link), type: 'symlink', mode: '120000' };
  return { bytes: content.executable, type: 'file', mode: '100755' };
}

/** Ids of folders, the deepest first, as each is made of what is below it. */
function nameTrees(below: Map<string, TreeEntry[]>, entries: Map<string, TreeEntry>): void {
  const folders = [...below.keys()].sort((a, b) => b.split('/').length - a.split('/').length || b.length - a.length);
  for (const folder of folders) {
    const children = below.get(folder) ?? [];
    children.sort((a, b) => (a.name < b.name ? -1 : 1));
    const lines = children.map(({ mode, name, oid }) => `${mode} ${name} ${oid}`);
    const oid = oidOf('tree', Buffer.from(lines.join('\n')));
    const known = entries.get(folder);
    if (known) known.oid = oid;
    else entries.set(folder, { path: folder, name: nameOf(folder), oid, type: 'tree', mode: '040000' });
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function oidOf(type: string, content: Buffer): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
