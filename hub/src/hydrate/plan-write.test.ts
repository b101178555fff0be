import { describe, expect, it } from 'vitest';
import { type Folder, foldersToWrite, formatCommit, type ListedEntry, pathsToList } from './plan-write.ts';

const folder = (path: string, text = 'a: 1\n'): Folder => ({
  path,
  files: { 'manifest.yaml': text, 'README.md': 'x' },
});
const file = (path: string, oid = 'other'): ListedEntry => ({ path, type: 'blob', oid });
const tree = (path: string): ListedEntry => ({ path, type: 'tree', oid: 'tree' });
/** `printf 'a: 1\n' | git hash-object --stdin` */
const sameOid = 'a8926a52d8dcba5c4386945476ab6a2ad008afd4';

describe('which folders are written', () => {
  it.each<[string, ListedEntry[], string[]]>([
    ['one that is not there', [], ['apps/shop']],
    [
      'one whose manifests differ',
      [file('apps/shop/manifest.yaml'), file('apps/shop/hydrator.metadata')],
      ['apps/shop'],
    ],
    [
      'not one whose manifests are the same',
      [file('apps/shop/manifest.yaml', sameOid), file('apps/shop/hydrator.metadata')],
      [],
    ],
    ['one beside others', [tree('apps'), file('apps/notes.yaml'), tree('apps/other')], ['apps/shop']],
    ['one that holds what is not deployed', [file('apps/shop/OWNERS'), tree('apps/shop/more')], ['apps/shop']],
  ])('%s', (_name, listed, expected) => {
    expect(foldersToWrite([folder('apps/shop')], listed).map(({ path }) => path)).toEqual(expected);
  });

  it.each<[string, ListedEntry[], RegExp]>([
    ['a manifest of somebody', [file('apps/shop/deploy.yaml')], /it holds deploy\.yaml, which would be deployed/],
    ['a kustomization', [file('apps/shop/Kustomization')], /it holds Kustomization, which would be deployed/],
    ['JSON', [file('apps/shop/a.JSON')], /it holds a\.JSON/],
    ['manifests that no hydrator wrote', [file('apps/shop/manifest.yaml')], /manifest\.yaml, which was not written by/],
    ['a README that no hydrator wrote', [file('apps/shop/README.md')], /README\.md, which was not written by/],
    [
      'a folder in the place of a file',
      [tree('apps/shop/manifest.yaml'), file('apps/shop/hydrator.metadata')],
      /manifest\.yaml, which was not written by/,
    ],
    ['a file in the place of the folder', [file('apps/shop')], /apps\/shop is no folder there/],
    ['a file in the place of one above', [file('apps')], /apps is no folder there/],
    ['a submodule in the place of one above', [{ path: 'apps', type: 'commit', oid: 'x' }], /apps is no folder there/],
  ])('refused: %s', (_name, listed, reason) => {
    expect(() => foldersToWrite([folder('apps/shop')], listed)).toThrow(reason);
  });

  it('asks for the folder, what lies in it, and those above', () => {
    expect(pathsToList([folder('apps/shop'), folder('apps/till')])).toEqual([
      'apps',
      'apps/shop',
      'apps/shop/',
      'apps/till',
      'apps/till/',
    ]);
  });
});

it('a commit counts bytes, not letters, and quotes paths', () => {
  const files = new Map([['a "b"\\c/ü.yaml', 'ü: 1\n']]);
  const text = formatCommit('refs/x', {
    author: 'Ada <a@b>',
    message: 'Änderung',
    files,
    at: 7,
    parent: 'c0ffee',
  }).toString();
  expect(text).toBe(
    'commit refs/x\nauthor Ada <a@b> 7 +0000\ncommitter Ada <a@b> 7 +0000\ndata 9\nÄnderung\nfrom c0ffee\n' +
      'M 100644 inline "a \\"b\\"\\\\c/ü.yaml"\ndata 6\nü: 1\n\n',
  );
});
