import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { materialise } from './materialise.ts';
import { openObjectStore } from './objects/object-store.ts';
import { parsePath } from './repository-path.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { resolveEntry } from './symlink.ts';
import { createScratchRepository, type ScratchRepository } from './testing/scratch-repository.ts';

let repository: ScratchRepository;
let snapshot: Snapshot;
const oids: Record<string, string> = {};
beforeAll(() => {
  repository = createScratchRepository();
  const link = (target: string) => repository.blob(target);
  oids['a'] = repository.blob('kind: A\n');
  oids['base'] = repository.tree({ '100644 a.yaml': oids['a'], '100755 run.sh': repository.blob('#!/bin/sh\n') });
  oids['links'] = repository.tree({
    '120000 absolute': link('/etc/passwd'),
    '120000 chain': link('inside'),
    '120000 dangling': link('../base/gone'),
    '120000 inside': link('../base/a.yaml'),
    '120000 loop': link('loop'),
    '120000 out': link('../../outside'),
    '120000 sly': link('to-base/../../../etc'),
    '120000 sly-gone': link('gone/../../../etc'),
    '120000 to-base': link('../base'),
  });
  oids['module'] = repository.tree({ '160000 vendored': '1'.repeat(40) });
  oids['good'] = repository.tree({
    '40000 base': oids['base'],
    '120000 l': link('base/a.yaml'),
    '120000 d': link('base'),
  });
  const root = repository.tree({
    '40000 base': oids['base'],
    '40000 good': oids['good'],
    '40000 links': oids['links'],
    '40000 module': oids['module'],
  });
  snapshot = createSnapshot(repository.commit(root), { store: openObjectStore(repository.directory) }, 'r');
});
afterAll(() => repository[Symbol.dispose]());

const codeOf = (code: string) => expect.objectContaining({ code }) as Error;

describe('Snapshot', () => {
  it.each(['', '.', '/', './', 'base/..'])('takes %j as the root', async (root) => {
    expect(await snapshot.entry(root)).toMatchObject({ path: '', type: 'tree' });
    expect((await snapshot.children(root)).map(({ path }) => path)).toEqual(['base', 'good', 'links', 'module']);
  });

  it.each([
    { path: 'base', type: 'tree', mode: '040000' },
    { path: 'base/a.yaml', type: 'file', mode: '100644' },
    { path: './base//run.sh', type: 'file', mode: '100755' },
    { path: 'links/inside', type: 'symlink', mode: '120000' },
    { path: 'module/vendored', type: 'submodule', mode: '160000' },
  ])('knows $path as $type', async ({ path: wanted, type, mode }) => {
    expect(await snapshot.entry(wanted)).toMatchObject({ type, mode, name: wanted.split('/').at(-1) });
  });

  it.each(['gone', 'base/gone', 'base/a.yaml/x', 'links/to-base/a.yaml'])('finds nothing at %s', async (path) => {
    expect(await snapshot.entry(path)).toBeUndefined();
  });

  it.each(['..', '../x', 'base/../../x', '/../x'])('refuses %s', async (path) => {
    await expect(snapshot.entry(path)).rejects.toThrow(codeOf('PathOutsideRepository'));
    await expect(snapshot.children(path)).rejects.toThrow(codeOf('PathOutsideRepository'));
  });

  it('walks depth first, a directory before what is in it', async () => {
    const paths = (await Array.fromAsync(snapshot.walk('good'))).map(({ path }) => path);
    expect(paths).toEqual(['good/base', 'good/base/a.yaml', 'good/base/run.sh', 'good/l', 'good/d']);
  });

  it('gives equal trees equal ids', async () => {
    expect((await snapshot.entry('base'))?.oid).toBe((await snapshot.entry('good/base'))?.oid);
  });

  it('names the path, the repository and the revision when a directory is missing', async () => {
    await expect(snapshot.children('gone')).rejects.toThrow(
      `path "gone" does not exist in repository r at ${snapshot.sha.slice(0, 7)}`,
    );
    await expect(snapshot.children('base/a.yaml')).rejects.toThrow(/is a file, not a directory/);
    await expect(Array.fromAsync(snapshot.walk('gone'))).rejects.toThrow(codeOf('PathNotFound'));
  });

  it('reads content, each time a copy', async () => {
    (await snapshot.read(oids['a'] ?? '')).fill(0);
    expect((await snapshot.read(oids['a'] ?? '')).toString()).toBe('kind: A\n');
    await expect(snapshot.read(oids['base'] ?? '')).rejects.toThrow(/is a tree, not a file/);
  });
});

describe('parsePath', () => {
  it('yields plain names or refuses', () => {
    const part = fc.constantFrom('', '.', '..', 'a', 'b c', '...');
    const plain = fc.property(fc.array(part), (parts) => {
      try {
        return parsePath(parts.join('/')).every((name) => name !== '' && name !== '.' && name !== '..');
      } catch {
        return parts.includes('..');
      }
    });
    expect(() => fc.assert(plain)).not.toThrow();
  });
});

describe('resolveEntry', () => {
  it.each([
    ['base/a.yaml', 'base/a.yaml'],
    ['links/inside', 'base/a.yaml'],
    ['links/chain', 'base/a.yaml'],
    ['links/to-base', 'base'],
    ['links/to-base/run.sh', 'base/run.sh'],
  ])('%s is %s', async (path, target) => {
    expect((await resolveEntry(snapshot, path))?.path).toBe(target);
  });

  it('finds nothing behind a dangling link', async () => {
    expect(await resolveEntry(snapshot, 'links/dangling')).toBeUndefined();
  });

  it.each([
    ['absolute', /absolute path/],
    ['out', /leaves the repository/],
    ['sly', /leaves the repository/],
    ['sly-gone', /leaves the repository/],
    ['loop', /circle/],
  ])('refuses the link %s', async (name, message) => {
    await expect(resolveEntry(snapshot, `links/${name}`)).rejects.toThrow(codeOf('PathOutsideRepository'));
    await expect(resolveEntry(snapshot, `links/${name}`)).rejects.toThrow(message);
  });
});

describe('materialise', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'wheelhouse-materialise-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = async (paths: string[], limits = { maxBytes: 1000, maxFiles: 100 }, from = snapshot) =>
    await materialise(from, paths, { directory, limits, signal: new AbortController().signal });

  /** A snapshot whose root is a tree that git would never write. */
  const snapshotOf = (tree: string) =>
    createSnapshot(repository.commit(tree), { store: openObjectStore(repository.directory) }, 'r');

  it('writes files, modes and links at their paths', async () => {
    expect(await write(['good', 'base/a.yaml'])).toMatchObject({ files: 5 });
    const at = (name: string) => path.join(directory, name);
    expect(readFileSync(at('good/base/a.yaml'), 'utf8')).toBe('kind: A\n');
    expect(readFileSync(at('good/l'), 'utf8')).toBe('kind: A\n');
    expect(readlinkSync(at('good/d'))).toBe('base');
    expect(statSync(at('good/base/run.sh')).mode & 0o111).toBe(0o111);
    expect(statSync(at('base/a.yaml')).mode & 0o111).toBe(0);
    expect(readdirSync(directory)).toEqual(['base', 'good']);
  });

  it.each([
    { paths: ['gone'], code: 'PathNotFound' },
    { paths: ['../x'], code: 'PathOutsideRepository' },
    { paths: ['links'], code: 'PathOutsideRepository' },
    { paths: ['links/out'], code: 'PathOutsideRepository' },
    { paths: ['module'], code: 'Unsupported' },
  ])('refuses $paths with $code', async ({ paths, code }) => {
    await expect(write(paths)).rejects.toThrow(codeOf(code));
  });

  it.each([
    { maxBytes: 10, maxFiles: 100 },
    { maxBytes: 1000, maxFiles: 2 },
  ])('keeps to %j', async (limits) => {
    await expect(write(['good'], limits)).rejects.toThrow(codeOf('TooLarge'));
  });

  it('is not led out by a link and a directory of one name', async () => {
    const inner = repository.tree({ '100644 x': oids['a'] ?? '' });
    const outside = repository.blob('/tmp');
    const sly = snapshotOf(repository.tree({ '120000 dir': outside, '40000 dir': inner }));
    await expect(write([''], undefined, sly)).rejects.toThrow(/stands twice/);
  });

  it.each(['..', '.git', '.Git', 'a\\b'])('writes nothing for a tree with an entry named %j', async (name) => {
    const sly = snapshotOf(repository.tree({ [`100644 ${name}`]: oids['a'] ?? '' }));
    await expect(write([''], undefined, sly)).rejects.toThrow(codeOf('PathOutsideRepository'));
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves room for others between portions of many files, and stops there', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `100644 f${index}`);
    const many = snapshotOf(repository.tree(Object.fromEntries(names.map((name) => [name, oids['a'] ?? '']))));
    const stopping = new AbortController();
    const limits = { maxBytes: 10_000, maxFiles: 1_000 };
    setImmediate(() => stopping.abort());
    await expect(materialise(many, [''], { directory, limits, signal: stopping.signal })).rejects.toThrow(/aborted/u);
    const written = readdirSync(directory).length;
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(300);
  });

  it('does not overwrite', async () => {
    await write(['base']);
    await expect(write(['base'])).rejects.toThrow(/EEXIST/);
  });
});
