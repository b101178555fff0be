import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { claimFile } from '@wheelhouse/shared/files/claim-file';

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
    if (!(await claimFile(file, { owner: JSON.stringify(owner), isGone }))) continue;
    return { directory: folder, [Symbol.asyncDispose]: async () => await rm(file, { force: true }) };
  }
}

function parseOwner(text: string): Partial<Owner> {
  try {
    return JSON.parse(text) as Partial<Owner>;
  } catch {
    return {}; // cut off by a crash
  }
}

async function isGone(text: string): Promise<boolean> {
  const owner = parseOwner(text);
  if (owner.pid === undefined) return true;
  if (owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  return owner.startedAt !== (await startOf(owner.pid));
}

/** Linux: clock ticks from boot to the process's start; empty where /proc does not exist. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
