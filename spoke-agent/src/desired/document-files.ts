import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findFile, removeDrafts, replaceFile } from '@wheelhouse/shared/files/replace-file';

/** How many verified documents, with their bundles, stay on disk. */
export const keptDocuments = 3;

/** Verified documents as they came, signature and all, so that they are verified again when they are read. */
export interface DocumentFiles {
  /** Newest first. */
  load(): Promise<{ gen: number; bytes: Buffer }[]>;
  find(gen: number): Promise<Buffer | undefined>;
  save(gen: number, bytes: Uint8Array): Promise<void>;
}

const suffix = '.document';

/** Keeps them in `documents/` of the state directory, one file a generation. */
export async function openDocumentFiles(stateDir: string): Promise<DocumentFiles> {
  const directory = join(stateDir, 'documents');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await removeDrafts(directory);
  const names = (await readdir(directory)).filter((name) => name.endsWith(suffix));
  let generations = names.map((name) => Number(name.slice(0, -suffix.length))).sort((a, b) => b - a);
  const pathOf = (gen: number) => join(directory, `${String(gen).padStart(16, '0')}${suffix}`);
  return {
    load: async () => await Promise.all(generations.map(async (gen) => ({ gen, bytes: await readFile(pathOf(gen)) }))),
    find: async (gen) => await findFile(pathOf(gen)),
    save: async (gen, bytes) => {
      await replaceFile(pathOf(gen), bytes);
      generations = [gen, ...generations.filter((one) => one !== gen)];
      const old = generations.splice(keptDocuments);
      await Promise.all(old.map((generation) => rm(pathOf(generation), { force: true })));
    },
  };
}
