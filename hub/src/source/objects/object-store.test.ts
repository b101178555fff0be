import { createHash } from 'node:crypto';
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratchRepository, type ScratchRepository } from '../testing/scratch-repository.ts';
import { type ObjectStore, openObjectStore } from './object-store.ts';

let repository: ScratchRepository;
beforeEach(() => {
  repository = createScratchRepository();
});
afterEach(() => repository[Symbol.dispose]());

/** 12 versions of a file that differ a little: what git stores as a chain of deltas. */
function writeVersions(from = 0): string {
  const lines = Array.from({ length: 400 }, (_, line) => `line ${line} ${'x'.repeat(line % 50)}`);
  const blobs: Record<string, string> = {};
  for (let version = from; version < from + 12; version += 1) {
    lines[version * 3] = `changed in ${version}`;
    blobs[`100644 file-${version}`] = repository.blob(lines.join('\n'));
  }
  const commit = repository.commit(repository.tree(blobs), `versions from ${from}`);
  repository.git(['update-ref', `refs/heads/branch-${from}`, commit]);
  return commit;
}

function allObjects(): string[] {
  const list = repository.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  return list.split('\n');
}

/** The objects whose content does not hash to their name: none, if the reader is right. */
function findFalse(store: ObjectStore): string[] {
  return allObjects().filter((oid) => {
    const { type, data } = store.read(oid);
    return createHash('sha1').update(`${type} ${data.length}\0`).update(data).digest('hex') !== oid;
  });
}

const codeOf = (code: string) => expect.objectContaining({ code }) as Error;
const packFiles = (suffix: string) => {
  const folder = path.join(repository.directory, 'objects', 'pack');
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => path.join(folder, name));
};

describe('reading what git wrote', () => {
  it.each([
    { name: 'loose objects', prepare: () => undefined },
    { name: 'one pack with deltas by offset', prepare: () => repository.git(['repack', '-adfq', '--depth=50']) },
    {
      name: 'one pack with deltas by name',
      prepare: () => repository.git(['-c', 'repack.useDeltaBaseOffset=false', 'repack', '-adfq', '--depth=50']),
    },
    {
      name: 'an index with 64-bit offsets',
      prepare: () => {
        repository.git(['repack', '-adfq']);
        reindexWithLargeOffsets();
      },
    },
    {
      name: 'a pack, a second pack and loose objects',
      prepare: () => {
        repository.git(['repack', '-adq']);
        writeVersions(50);
        repository.git(['repack', '-dq']);
        writeVersions(90);
      },
    },
  ])('$name', ({ prepare }) => {
    writeVersions();
    prepare();
    using store = openObjectStore(repository.directory);
    expect(findFalse(store)).toEqual([]);
  });

  function reindexWithLargeOffsets(): void {
    const [pack = ''] = packFiles('.pack');
    rmSync(pack.replace(/pack$/, 'idx'));
    repository.git(['index-pack', '--index-version=2,0x40', pack]);
  }

  it('resolves deltas without a cache to help', () => {
    writeVersions();
    repository.git(['repack', '-adfq', '--depth=50']);
    using store = openObjectStore(repository.directory, { cacheBytes: 1 });
    expect(findFalse(store)).toEqual([]);
  });

  it('finds a pack that arrives later, after reload', () => {
    writeVersions();
    repository.git(['repack', '-adq']);
    using store = openObjectStore(repository.directory);
    const later = writeVersions(50);
    repository.git(['repack', '-dq']);
    expect(store.has(later)).toBe(false);
    store.reload();
    expect(store.readCommit(later).message).toBe('versions from 50');
    expect(store.packCount).toBe(2);
  });

  it('goes on reading packs that git deleted', () => {
    const commit = writeVersions();
    repository.git(['repack', '-adq']);
    using store = openObjectStore(repository.directory, { cacheBytes: 1 });
    for (const file of [...packFiles('.pack'), ...packFiles('.idx')]) rmSync(file);
    expect(store.readTree(store.readCommit(commit).tree)).toHaveLength(12);
  });

  it('reads a commit', () => {
    const tree = repository.tree({ '100644 a': repository.blob('a') });
    using store = openObjectStore(repository.directory);
    expect(store.readCommit(repository.commit(tree, 'Subject\n\nBody'))).toEqual({
      tree,
      author: 'Ada <ada@example.com>',
      committedAt: '2023-11-14T22:13:20Z',
      message: 'Subject\n\nBody',
    });
  });

  it('reads no more of a message than its beginning', () => {
    const tree = repository.tree({ '100644 a': repository.blob('a') });
    using store = openObjectStore(repository.directory);
    expect(store.readCommit(repository.commit(tree, 'm'.repeat(70_000))).message).toBe('m'.repeat(65_536));
  });

  it('peels annotated tags, also of tags, and nothing else', () => {
    const blob = repository.blob('a');
    const commit = repository.commit(repository.tree({ '100644 a': blob }));
    const tag = (target: string, type: string) =>
      repository.git(
        ['mktag'],
        `object ${target}\ntype ${type}\ntag v1\ntagger T <t@example.com> 1700000000 +0000\n\nx\n`,
      );
    const once = tag(commit, 'commit');
    using store = openObjectStore(repository.directory);
    expect(store.peel(commit)).toBe(commit);
    expect(store.peel(tag(once, 'tag'))).toBe(commit);
    expect(store.peel(tag(blob, 'blob'))).toBeUndefined();
    expect(store.peel('0'.repeat(40))).toBeUndefined();
  });
});

describe('refusing what is wrong', () => {
  it('an object that is not there', () => {
    using store = openObjectStore(repository.directory);
    expect(() => store.read('a'.repeat(40))).toThrow(codeOf('NotFound'));
  });

  it('a tree where a commit is asked for', () => {
    using store = openObjectStore(repository.directory);
    const tree = repository.tree({});
    expect(() => store.readCommit(tree)).toThrow(`git object ${tree} is a tree, not a commit`);
  });

  it.each(['', '.', '..', '.git', '.GIT', 'a/b', '../a', 'a\\b'])('a tree with an entry named %j', (name) => {
    using store = openObjectStore(repository.directory);
    const tree = repository.tree({ [`100644 ${name}`]: repository.blob('a') });
    expect(() => store.readTree(tree)).toThrow(codeOf('PathOutsideRepository'));
  });

  it('an object over the limit, loose, packed or as a delta', () => {
    writeVersions();
    const sizes = repository.git(['cat-file', '--batch-all-objects', '--batch-check=%(objectsize) %(objectname)']);
    const large = sizes
      .split('\n')
      .filter((line) => Number.parseInt(line, 10) > 1000)
      .map((line) => line.slice(-40));
    const [blob = ''] = large;
    using loose = openObjectStore(repository.directory, { maxObjectBytes: 1000 });
    expect(() => loose.read(blob)).toThrow(codeOf('TooLarge'));
    repository.git(['repack', '-adfq', '--depth=50']);
    using packed = openObjectStore(repository.directory, { maxObjectBytes: 1000 });
    expect(large.length).toBeGreaterThan(10);
    for (const oid of large) expect(() => packed.read(oid)).toThrow(codeOf('TooLarge'));
  });

  it.each([
    { suffix: '.idx', bytes: 100 },
    { suffix: '.idx', bytes: 1_100 },
    { suffix: '.pack', bytes: 14 },
    { suffix: '.pack', bytes: 60 },
  ])('a $suffix that was cut off after $bytes bytes', ({ suffix, bytes }) => {
    const commit = writeVersions();
    repository.git(['repack', '-adq']);
    for (const file of packFiles(suffix)) truncateSync(file, bytes);
    expect(() => {
      using store = openObjectStore(repository.directory);
      store.readTree(store.readCommit(commit).tree);
    }).toThrow(codeOf('DigestMismatch'));
  });
});
