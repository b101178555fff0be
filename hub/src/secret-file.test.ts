import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSecret } from './secret-file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secret-file-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

it('is made once, by whichever of several replicas, for its owner only, and read afterwards', async () => {
  const file = join(directory, 'kept', 'key');
  const secrets = await Promise.all(Array.from({ length: 8 }, async () => await loadSecret(file)));
  expect(new Set([...secrets, await loadSecret(file)]).size).toBe(1);
  expect(Buffer.from(secrets[0] ?? '', 'base64url')).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(directory, 'kept'))).toEqual(['key']);
});

it('is no empty one: a hub that was killed while it was made may have left that', async () => {
  const file = join(directory, 'key');
  await writeFile(file, '\n');
  await expect(loadSecret(file)).rejects.toMatchObject({ code: 'Malformed' });
});
