import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { access, chmod, constants, copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openTemporaryFolder } from '@wheelhouse/shared/process/temporary-folder';
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

/** The folders of a workspace as a child sees them whose root is the workspace. */
export interface Jail {
  jail: string;
  root: string;
  home: string;
  /** Programs by the name that they were asked for. */
  programs: Record<string, string>;
}

export interface Workspaces extends AsyncDisposable {
  open(): Promise<Workspace>;
  /** Makes a workspace fit to be the root of a child that runs these programs (static executables, by absolute path). */
  enclose(workspace: Workspace, programs: readonly string[]): Promise<Jail>;
}

const prefix = 'wheelhouse-render-';

/** Workspaces on tmpfs where there is one (or below `directory`). What a killed process left behind goes first. */
export function createWorkspaces(directory?: string): Workspaces {
  let base: Promise<string> | undefined;
  const copies = new Map<string, Promise<string>>();
  const copyOf = async (program: string) => {
    base ??= openBase(directory);
    const known = copies.get(program) ?? copyProgram(program, join(await base, `program-${copies.size}`));
    copies.set(program, known);
    return await known;
  };
  return {
    enclose: async (workspace, programs) => {
      const inside: Record<string, string> = {};
      for (const program of programs) {
        inside[program] = `/${basename(program)}`;
        await link(await copyOf(program), join(workspace.path, basename(program)));
      }
      // Go opens it for a child of its own
      await mkdir(join(workspace.path, 'dev'));
      await writeFile(join(workspace.path, 'dev', 'null'), '');
      return { jail: workspace.path, root: `/${ownFolder}`, home: '/home', programs: inside };
    },
    open: async () => {
      base ??= openBase(directory);
      const path = mkdtempSync(join(await base, 'r-'));
      const workspace = { path, root: join(path, ownFolder), home: join(path, 'home') };
      for (const folder of [workspace.root, workspace.home]) mkdirSync(folder);
      return { ...workspace, [Symbol.asyncDispose]: async () => await remove(path) };
    },
    [Symbol.asyncDispose]: async () => {
      if (base) await rm(await base, { recursive: true, force: true });
    },
  };
}

/** Little is removed at once, which is ten times cheaper than through the pool of threads. */
async function remove(path: string): Promise<void> {
  if (holdsLittle(path)) rmSync(path, { recursive: true, force: true });
  else await rm(path, { recursive: true, force: true });
}

function holdsLittle(path: string): boolean {
  const folders = [path];
  let left = 200;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = readdirSync(folder, { withFileTypes: true });
    left -= entries.length;
    if (left < 0) return false;
    folders.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)));
  }
  return true;
}

async function copyProgram(from: string, to: string): Promise<string> {
  await copyFile(from, to);
  await chmod(to, 0o755);
  return to;
}

async function openBase(directory: string | undefined): Promise<string> {
  const parent = directory ?? ((await isWritable('/dev/shm')) ? '/dev/shm' : tmpdir());
  await mkdir(parent, { recursive: true });
  return await openTemporaryFolder(parent, prefix);
}

async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
