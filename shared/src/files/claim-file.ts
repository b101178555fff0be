import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';

export interface Claim {
  /** What the file says of its owner; never empty, and of this owner alone. */
  owner: string;
  /** Whether the owner that a file names is gone. */
  isGone(owner: string): Promise<boolean>;
}

/**
 * Whether a file that exists while somebody owns something now names this owner: made when there is none, taken over when
 * its owner is gone. Of any number at once one gets it, and nobody ever reads a part of it. Whoever is killed in the moment
 * of a take-over leaves the file to nobody. Removing it gives it up.
 */
export async function claimFile(file: string, { owner, isGone }: Claim): Promise<boolean> {
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, owner);
  try {
    return (await linkNew(mine, file)) || (await takeOver({ file, mine, isGone }));
  } finally {
    await rm(mine, { force: true });
  }
}

/** Who links to the gone owner's successor first may replace it. */
async function takeOver({
  file,
  mine,
  isGone,
}: {
  file: string;
  mine: string;
  isGone: Claim['isGone'];
}): Promise<boolean> {
  const text = await readIfThere(file);
  if (text === undefined) return await linkNew(mine, file);
  if (!(await isGone(text))) return false;
  const successor = `${file}.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  if (!(await linkNew(mine, successor))) return false;
  const isStill = (await readIfThere(file)) === text;
  if (isStill) await rename(mine, file);
  await rm(successor);
  return isStill;
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
