import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { manifestName, metadataName, ownNames } from './folder-files.ts';

/** Files of an Application, by name, and where they go. */
export interface Folder {
  path: string;
  files: Readonly<Record<string, string>>;
}

/** Something of a branch, as `git ls-tree` lists it. */
export interface ListedEntry {
  path: string;
  type: string;
  oid: string;
}

/** Paths of which a branch must be asked before these folders are written. */
export function pathsToList(folders: readonly Folder[]): string[] {
  return [...new Set(folders.flatMap(({ path }) => [...pathsAbove(path), `${path}/`]))];
}

function pathsAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Argo CD reads these as manifests, or as what else a folder is. */
const deployed = /\.(?:ya?ml|json|jsonnet)$|^Kustomization$/iu;

/**
 * The folders whose manifests differ from what the branch has. Throws Conflict for a folder in which something else lies that
 * would be deployed with it, or that would be replaced: nothing that no hydrator wrote is ever lost. Other files stay.
 */
export function foldersToWrite(folders: readonly Folder[], listed: readonly ListedEntry[]): Folder[] {
  const found = new Map(listed.map((entry) => [entry.path, entry]));
  const names = Map.groupBy(listed, ({ path }) => folderOf(path));
  for (const { path } of folders) {
    const file = pathsAbove(path).find((above) => (found.get(above)?.type ?? 'tree') !== 'tree');
    if (file !== undefined) throw conflict(path, `${file} is no folder there`);
    checkFolder(path, names.get(path) ?? []);
  }
  return folders.filter(({ path, files }) => found.get(`${path}/${manifestName}`)?.oid !== blobId(files[manifestName]));
}

function checkFolder(path: string, entries: readonly ListedEntry[]): void {
  const present = entries.map(({ path: one, type }) => ({ name: one.slice(path.length + 1), type }));
  const foreign = present.find(({ name, type }) => type !== 'tree' && !ownNames.includes(name) && deployed.test(name));
  if (foreign) throw conflict(path, `it holds ${foreign.name}, which would be deployed with it`);
  const isMarked = present.some(({ name, type }) => name === metadataName && type === 'blob');
  const lost = present.find(({ name, type }) => ownNames.includes(name) && !(isMarked && type === 'blob'));
  if (lost) throw conflict(path, `it holds ${lost.name}, which was not written by a hydrator`);
}

/** Git: the id of a file with this content. */
function blobId(content = ''): string {
  const bytes = Buffer.from(content);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export interface CommitContent {
  /** `Name <email>` */
  author: string;
  message: string;
  /** Content by path from the root. */
  files: ReadonlyMap<string, string>;
  /** Seconds since the epoch. */
  at: number;
  parent?: string | undefined;
}

/** Git: the input language of `git fast-import`, for one commit on this ref; what is not named stays. */
export function formatCommit(ref: string, { author, message, files, at, parent }: CommitContent): Buffer {
  const person = `${author} ${at} +0000`;
  const parts = [`commit ${ref}\n`, `author ${person}\n`, `committer ${person}\n`, ...data(message)];
  if (parent !== undefined) parts.push(`from ${parent}\n`);
  for (const [path, content] of files) parts.push(`M 100644 inline ${quote(path)}\n`, ...data(content));
  return Buffer.from(parts.join(''));
}

function data(text: string): string[] {
  return [`data ${Buffer.byteLength(text)}\n`, text, '\n'];
}

/** Git: C-style quoting; paths hold no control characters. */
function quote(path: string): string {
  return `"${path.replaceAll(/["\\]/gu, String.raw`\$&`)}"`;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function conflict(path: string, why: string): FleetError {
  return new FleetError('Conflict', `folder ${path} is not written: ${why}; give the Application a folder of its own`);
}
