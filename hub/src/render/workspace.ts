import { access, constants, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownFolder } from './collection.ts';

/** A temporary directory for one render; removed on dispose. */
export interface Workspace extends AsyncDisposable {
  /** Holds the folders of collections. */
  path: string;
  /** The materialised part of the repository. */
  root: string;
  /** HOME of the children, and place of generated files. */
  home: string;
}

export interface Workspaces extends AsyncDisposable {
  open(): Promise<Workspace>;
}

const prefix = 'wheelhouse-render-';

/** Workspaces on tmpfs where there is one (or below `directory`). What a killed process left behind goes first. */
export function createWorkspaces(directory?: string): Workspaces {
  let base: Promise<string> | undefined;
  return {
    open: async () => {
      base ??= openBase(directory);
      const path = await mkdtemp(join(await base, 'r-'));
      const workspace = { path, root: join(path, ownFolder), home: join(path, 'home') };
      await Promise.all([mkdir(workspace.root), mkdir(workspace.home)]);
      return { ...workspace, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    },
    [Symbol.asyncDispose]: async () => {
      if (base) await rm(await base, { recursive: true, force: true });
    },
  };
}

async function openBase(directory: string | undefined): Promise<string> {
  const parent = directory ?? ((await isWritable('/dev/shm')) ? '/dev/shm' : tmpdir());
  await mkdir(parent, { recursive: true });
  const abandoned = (await readdir(parent)).filter((name) => name.startsWith(prefix) && !isAlive(name));
  for (const name of abandoned) await rm(join(parent, name), { recursive: true, force: true });
  return await mkdtemp(join(parent, `${prefix}${process.pid}-`));
}

function isAlive(name: string): boolean {
  const pid = Number(name.slice(prefix.length).split('-')[0]);
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
