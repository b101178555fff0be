import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refuseForeignSchemas } from './chart-schemas.ts';

const signal = new AbortController().signal;
const foreign = '{"$ref": "file:///etc/hostname"}';
const mega = 1 << 20;
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-schemas-'))));
afterEach(() => rmSync(folder, { recursive: true }));

type Files = Record<string, string | Buffer>;

async function packed(files: Files): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return gzipSync(Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>)));
}

async function look(files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  await refuseForeignSchemas([{ directory: folder, what: '' }], signal);
}

async function nested(depth: number): Promise<Buffer> {
  let inner = await packed({ 'c/values.schema.json': '{}' });
  for (let level = 0; level < depth; level += 1) inner = await packed({ 'c/charts/c.tgz': inner });
  return inner;
}

it('looks at every schema, and at nothing else', async () => {
  await symlink('elsewhere', join(folder, 'folder.tgz'));
  await symlink('nowhere', join(folder, 'gone.tgz'));
  await symlink('values.schema.json', join(folder, 'values.schema.json'));
  const looking = look({
    'elsewhere/a.yaml': '',
    'app/values.schema.json': '{"$ref": "#"}',
    'app/schema.json': foreign,
    'app/charts/a.tgz': await packed({ 'a/values.schema.json': '{}', 'a/other.json': foreign }),
    'app/charts/b.tgz': await nested(10),
  });
  await expect(looking).resolves.toBeUndefined();
});

it.each<[string, () => Promise<Files>, string, string]>([
  [
    'a schema',
    async () => ({ 'app/values.schema.json': foreign }),
    'PathOutsideRepository',
    'app/values.schema.json has',
  ],
  [
    'a packed one',
    async () => ({ 'app/charts/a.tgz': await packed({ 'a/./x/../values.schema.json': foreign }) }),
    'PathOutsideRepository',
    'app/charts/a.tgz/a/values.schema.json has',
  ],
  [
    'one that is packed twice',
    async () => {
      const inner = await packed({ 'b/values.schema.json': foreign });
      return { 'app/charts/a.tgz': await packed({ 'a/charts/b.tgz': inner }) };
    },
    'PathOutsideRepository',
    'app/charts/a.tgz/a/charts/b.tgz/b/values.schema.json has',
  ],
  ['what is no schema', async () => ({ 'values.schema.json': 'a: b' }), 'Malformed', 'values.schema.json is not JSON'],
  [
    'a schema that helm would not read',
    async () => ({ 'values.schema.json': `{"a": "${'x'.repeat(5 * mega)}"}` }),
    'TooLarge',
    'values.schema.json is larger than 5 MiB',
  ],
  ['what is no archive', async () => ({ 'charts/a.tgz': 'a' }), 'Malformed', 'charts/a.tgz is not a tar archive'],
  ['archives in archives', async () => ({ 'a.tgz': await nested(11) }), 'TooLarge', 'packed more than 10 times'],
  [
    'archives that together hold too much',
    async () => {
      const big = await packed({ 'a/values.yaml': Buffer.alloc(60 * mega) });
      return { 'charts/a.tgz': big, 'charts/b.tgz': big };
    },
    'TooLarge',
    'the packed charts of one render hold more than 100 MiB',
  ],
])('refuses %s', async (...[, filesOf, code, message]) => {
  const refused = { code, message: expect.stringContaining(message) as string };
  await expect(look(await filesOf())).rejects.toMatchObject(refused);
});
