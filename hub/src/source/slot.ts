import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

/** A folder that belongs to this process until it is disposed or the process ends. */
export interface Slot extends AsyncDisposable {
  directory: string;
}

interface Owner {
  id: string;
  host: string;
  pid: number;
  /** Tells a process from a later one with the same number. */
  startedAt: string;
}

/**
 * Claims the first of `<directory>/0`, `/1`, … that no living process owns, so that a restart finds its mirrors again, and two
 * processes that were given one directory never write the same mirror. An owner on another host counts as living.
 */
export async function claimSlot(directory: string): Promise<Slot> {
  const owner: Owner = { id: randomUUID(), host: hostname(), pid: process.pid, startedAt: await startOf(process.pid) };
  for (let number = 0; ; number += 1) {
    const folder = path.join(directory, String(number));
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, 'owner.json');
    if (!(await claim(file, owner))) continue;
    return { directory: folder, [Symbol.asyncDispose]: async () => await rm(file, { force: true }) };
  }
}

async function claim(file: string, owner: Owner): Promise<boolean> {
  // written aside first: whoever finds the file finds it whole
  const mine = `${file}.${owner.id}`;
  await writeFile(mine, JSON.stringify(owner));
  try {
    return (await linkNew(mine, file)) || (await replaceStale(file, mine));
  } finally {
    await rm(mine, { force: true });
  }
}

/** Who links to the stale owner's own name first may replace it; a process killed in between leaves the slot unused for good. */
async function replaceStale(file: string, mine: string): Promise<boolean> {
  const text = await readIfThere(file);
  if (text === undefined) return await linkNew(mine, file);
  if (await isAlive(parseOwner(text))) return false;
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

function parseOwner(text: string): Partial<Owner> {
  try {
    return JSON.parse(text) as Partial<Owner>;
  } catch {
    return {}; // cut off by a crash
  }
}

async function isAlive(owner: Partial<Owner>): Promise<boolean> {
  if (owner.pid === undefined) return false;
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return owner.startedAt === (await startOf(owner.pid));
}

/** Linux: clock ticks from boot to the process's start; empty where /proc does not exist. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
