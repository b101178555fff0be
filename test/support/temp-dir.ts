import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  path: string;
}

/** A new directory that is removed with all its content on dispose. `memory`: on tmpfs where the machine has one. */
export async function tempDir(options: { prefix?: string; memory?: boolean } = {}): Promise<TempDir> {
  const { prefix = 'wheelhouse-', memory = false } = options;
  const path = await mkdtemp(join(memory && isWritable('/dev/shm') ? '/dev/shm' : tmpdir(), prefix));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
