import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a file so that a reader, or a machine that loses power, finds the old content or the new, never a part. Mode 0600. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = await writeDraft(path, content);
  try {
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * As replaceFile, without waiting for the disk: for many small files whose content is checked when it is read, and which
 * can be had again. Synchronous, because a turn of the thread pool costs ten times the write itself.
 */
export function replaceCheckedFile(path: string, content: Uint8Array): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Removes a file if it is there; synchronous for the same reason. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Writes a file that must not exist, whole or not at all; when somebody else was faster, his file stays. Mode 0600. */
export async function writeOnce(path: string, content: string | Uint8Array): Promise<void> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
}

/** Writes and flushes a file beside `path`, and returns its name. */
async function writeDraft(path: string, content: string | Uint8Array): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  await writeFile(draft, content, { mode: 0o600, flush: true });
  return draft;
}

/** Removes what a process that was killed left of writing in a folder. The caller is the only one who writes there. */
export async function removeDrafts(directory: string): Promise<void> {
  const drafts = (await readdir(directory)).filter((name) => name.endsWith('.draft'));
  await Promise.all(drafts.map(async (name) => await rm(join(directory, name), { force: true })));
}

/** The file's content, undefined when there is none. */
export async function findFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
