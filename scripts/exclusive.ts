import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { claimFile } from '@wheelhouse/shared/files/claim-file';

/**
 * Runs `work` while no other process of this machine runs work under the same file. The file holds the process id; one
 * whose process is gone is taken over. `onWait` is called once, with that id, when there is somebody to wait for.
 */
export async function exclusively<T>(file: string, work: () => Promise<T>, onWait: (pid: number) => void): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  while (!(await claimFile(file, { owner: String(process.pid), isGone: async (owner) => !isRunning(Number(owner)) }))) {
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    if (!owner) continue;
    if (!told) onWait(owner);
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    // an empty file, as a full disk leaves it, is nobody's
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
