/** A snapshot of files in memory, with Git's way of object ids: equal content, equal id. For tests of what reads snapshots. */
import { createHash } from 'node:crypto';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { folderOf } from './repository-path.ts';

export type MemoryFiles = Record<string, string | Buffer | { link: string }>;

/** `files` by path from the root; the commit's sha follows from the content unless given. */
export function createMemorySnapshot(files: MemoryFiles, sha?: string): Snapshot & { reads: number } {
  const blobs = new Map<string, Buffer>();
  const entries = new Map<string, TreeEntry>();
  for (const [path, content] of Object.entries(files)) {
    const isLink = typeof content === 'object' && 'link' in content;
    const bytes = Buffer.from(isLink ? content.link : content);
    const oid = oidOf('blob', bytes);
    blobs.set(oid, bytes);
    const name = path.slice(path.lastIndexOf('/') + 1);
    entries.set(path, { path, name, oid, type: isLink ? 'symlink' : 'file', mode: isLink ? '120000' : '100644' });
  }
  addTrees(entries);
  const children = async (path: string) =>
    [...entries.values()].filter((entry) => entry.path !== '' && folderOf(entry.path) === path);
  const root = entries.get('')?.oid ?? '';
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
}

/** Every folder above a file, with an id made of what is below it. */
function addTrees(entries: Map<string, TreeEntry>): void {
  const folders = new Set<string>(['']);
  for (const path of entries.keys())
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) folders.add(folder);
  for (const folder of folders) {
    const below = [...entries.values()].filter(
      ({ path, type }) => type !== 'tree' && (folder === '' || path.startsWith(`${folder}/`)),
    );
    const lines = below.map(({ path, oid, mode }) => `${mode} ${path.slice(folder.length)} ${oid}`).sort();
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    entries.set(folder, {
      path: folder,
      name,
      oid: oidOf('tree', Buffer.from(lines.join('\n'))),
      type: 'tree',
      mode: '040000',
    });
  }
}

function oidOf(type: string, content: Buffer): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
