import { cp, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runChild } from './child.ts';

export interface RootfsOptions {
  /** Programs by where they go, `/usr/local/bin/node`; the shared libraries that they load come along. */
  programs: Record<string, string>;
  /** Files and directories that are copied to the same path. */
  paths?: readonly string[];
}

/** Fills a directory with what the programs need to run in a container: a base image made without a registry. */
export async function createRootfs(directory: string, options: RootfsOptions): Promise<void> {
  const libraries = new Set<string>();
  for (const [target, source] of Object.entries(options.programs)) {
    await copyInto(directory, target, await realpath(source));
    for (const library of await librariesOf(source)) libraries.add(library);
  }
  for (const library of libraries) await copyInto(directory, library, await realpath(library));
  for (const path of options.paths ?? []) await copyInto(directory, path, path);
  await mkdir(join(directory, 'etc'), { recursive: true });
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  await writeFile(join(directory, 'etc/group'), 'root:x:0:\n');
  await mkdir(join(directory, 'tmp'), { recursive: true });
}

async function copyInto(directory: string, target: string, source: string): Promise<void> {
  const path = join(directory, target);
  await mkdir(dirname(path), { recursive: true });
  await cp(source, path, { recursive: true, dereference: true });
}

/** Absolute paths of the shared libraries and the loader; none for a static program or a script. */
async function librariesOf(program: string): Promise<string[]> {
  const magic = (await readFile(program)).subarray(0, 4);
  if (!magic.equals(Buffer.from('\u007FELF'))) return [];
  const output = await runChild('ldd', [program]).catch(() => '');
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}
