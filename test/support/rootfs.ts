import { chmod, cp, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runChild } from './child.ts';

/**
 * Fills a directory with what a container needs to run programs of this machine: a base image made without a registry.
 * `files` says what goes where, folders whole; the shared libraries that a program loads come along.
 */
export async function createRootfs(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const folder of ['etc', 'tmp', 'root']) await mkdir(join(directory, folder), { recursive: true });
  await chmod(join(directory, 'tmp'), 0o1777);
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(directory, 'etc/group'), 'root:x:0:\n');
  const libraries = new Set<string>();
  for (const [target, source] of Object.entries(files)) {
    await copyInto(directory, target, source);
    for (const library of await librariesOf(source)) libraries.add(library);
  }
  for (const library of libraries) await copyInto(directory, library, library);
}

async function copyInto(directory: string, target: string, source: string): Promise<void> {
  const path = join(directory, target);
  await mkdir(dirname(path), { recursive: true });
  await cp(await realpath(source), path, { recursive: true, dereference: true });
}

/** Absolute paths of the shared libraries and the loader; none for a static program, a script or a folder. */
async function librariesOf(source: string): Promise<string[]> {
  if ((await stat(source)).isDirectory()) return [];
  const magic = (await readFile(source)).subarray(0, 4);
  if (!magic.equals(Buffer.from('\u007FELF'))) return [];
  const output = await runChild('ldd', [source]).catch(() => '');
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}
