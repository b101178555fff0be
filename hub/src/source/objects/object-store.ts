import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { LRUCache } from 'lru-cache';
import { type Commit, parseCommit, parseTagTarget } from './commit.ts';
import { createObjectReader, type GitObject, type ObjectReader } from './object-reader.ts';
import { type ObjectType, openPack, type Pack } from './pack.ts';
import { parseTree, type TreeLine } from './tree.ts';

/**
 * The objects of one bare repository: packs first, then loose objects. Synchronous, because an object costs
 * microseconds and a promise each would cost more; callers that read many give way to the event loop themselves.
 */
export interface ObjectStore extends Disposable {
  /** Opens packs that appeared since; open ones stay, even if Git deleted them. */
  reload(): void;
  readonly packBytes: number;
  readonly packCount: number;
  has(oid: string): boolean;
  /** Throws NotFound when absent, DigestMismatch when corrupt, TooLarge over the limit. */
  read(oid: string): GitObject;
  readTree(oid: string): TreeLine[];
  /** Undefined when the tree has no entry of that name. */
  findInTree(oid: string, name: string): TreeLine | undefined;
  readCommit(oid: string): Commit;
  /** Follows annotated tags to the commit; undefined when something on the way is missing or is no commit. */
  peel(oid: string): string | undefined;
}

export interface ObjectStoreOptions {
  /** Largest object that may be read; 64 MiB. */
  maxObjectBytes?: number;
  /** Bytes of inflated objects kept; 32 MiB. */
  cacheBytes?: number;
}

export function openObjectStore(gitDirectory: string, options: ObjectStoreOptions = {}): ObjectStore {
  const { maxObjectBytes = 64 << 20, cacheBytes = 32 << 20 } = options;
  const packs: Pack[] = [];
  const reader = createObjectReader(gitDirectory, packs, { maxObjectBytes, cacheBytes });
  const trees = new LRUCache<string, TreeLine[]>({ max: 4096 });
  const has = (oid: string) =>
    reader.isPacked(oid) || existsSync(path.join(gitDirectory, 'objects', oid.slice(0, 2), oid.slice(2)));
  const indexes = new WeakMap<TreeLine[], Map<string, TreeLine>>();
  const indexOf = (lines: TreeLine[]) => {
    const index = indexes.get(lines) ?? new Map(lines.map((line) => [line.name, line]));
    indexes.set(lines, index);
    return index;
  };
  const store: ObjectStore = {
    reload: () => openNewPacks(path.join(gitDirectory, 'objects', 'pack'), packs, maxObjectBytes),
    get packCount() {
      return packs.length;
    },
    get packBytes() {
      return packs.reduce((sum, pack) => sum + pack.bytes, 0);
    },
    has,
    read: (oid) => reader.read(oid),
    readTree(oid) {
      const known = trees.get(oid);
      if (known) return known;
      const lines = parseTree(readTyped(reader, oid, 'tree'), oid);
      trees.set(oid, lines);
      return lines;
    },
    findInTree: (oid, name) => {
      const lines = store.readTree(oid);
      const index = lines.length > indexedTree ? indexOf(lines) : undefined;
      return index ? index.get(name) : lines.find((line) => line.name === name);
    },
    readCommit: (oid) => parseCommit(readTyped(reader, oid, 'commit')),
    peel(oid) {
      let at: string | undefined = oid;
      while (at !== undefined && has(at)) {
        const object = reader.read(at);
        if (object.type === 'commit') return at;
        at = object.type === 'tag' ? parseTagTarget(object.data) : undefined;
      }
      return undefined;
    },
    [Symbol.dispose]() {
      for (const pack of packs.splice(0)) pack.close();
      reader.forget();
      trees.clear();
    },
  };
  try {
    store.reload();
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
  return store;
}

/** Trees with more entries than this are looked up by an index of their names. */
const indexedTree = 32;

/** The newest first: what was just fetched is what is read next. */
function openNewPacks(directory: string, packs: Pack[], maxObjectBytes: number): void {
  const known = new Set(packs.map((pack) => pack.name));
  const files = existsSync(directory) ? readdirSync(directory) : [];
  for (const file of files.filter((name) => name.endsWith('.idx'))) {
    const stem = path.join(directory, file.slice(0, -'.idx'.length));
    if (!known.has(stem)) packs.unshift(openPack(stem, maxObjectBytes));
  }
}

function readTyped(reader: ObjectReader, oid: string, type: ObjectType): Buffer {
  const object = reader.read(oid);
  if (object.type !== type) throw new FleetError('Invalid', `git object ${oid} is a ${object.type}, not a ${type}`);
  return object.data;
}
