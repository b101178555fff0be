import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const swept = new Map<string, Promise<void>>();

/**
 * A new folder `PREFIX HOST-PID-…` of this process below `parent`, of mode 0700. The first one of each kind also removes what
 * processes left there that ended on this host without removing theirs: it may hold keys.
 */
export async function openTemporaryFolder(parent: string, prefix: string): Promise<string> {
  const kind = `${prefix}${hostname()}-`;
  const key = join(parent, kind);
  if (!swept.has(key)) swept.set(key, sweep(parent, kind));
  await swept.get(key);
  return await mkdtemp(`${key}${process.pid}-`);
}

/** Whether a process of this number runs on this host, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function sweep(parent: string, kind: string): Promise<void> {
  for (const name of await readdir(parent))
    if (name.startsWith(kind) && !(await isInUse(join(parent, name), name.slice(kind.length))))
      await rm(join(parent, name), { recursive: true, force: true });
}

/** In a container each process may have the number of the one before it, whose folders are older than this process. */
async function isInUse(folder: string, rest: string): Promise<boolean> {
  const pid = Number(/^(\d+)-[^-]*$/.exec(rest)?.[1]);
  // of a host whose name begins as this one's does
  if (!(pid > 0)) return true;
  if (pid !== process.pid) return isRunning(pid);
  const changedAt = await stat(folder).then(
    ({ mtimeMs }) => mtimeMs,
    // gone by itself
    () => 0,
  );
  return changedAt >= performance.timeOrigin;
}
