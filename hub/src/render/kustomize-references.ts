import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { locationText, type SourceLocation } from '../source/location.ts';
import type { Snapshot } from '../source/source.ts';
import { type Collection, createCollection } from './collection.ts';
import { kustomizationFiles, pathNotFound } from './discover.ts';
import { collectInflatedCharts, type Inflation } from './kustomize-charts.ts';
import { isRemoteFile, parseRemoteBase } from './remote-base.ts';
import { formatPath, isWithin, resolvePath } from './repository-path.ts';
import type { OpenLocation } from './request.ts';

/** Fields whose entries are files or further kustomizations. */
const referenceFields = ['resources', 'bases', 'components', 'generators', 'transformers', 'validators'];

/** A folder of a repository that is collected. */
export interface Place {
  in: Collection;
  path: string;
}

/** An entry of a kustomization file that must name a local folder instead, as the child has no network. */
export interface Rewrite {
  file: Place;
  entry: string;
  target: Place;
}

export interface Walk {
  source: ApplicationSource;
  /** The source's own. */
  collection: Collection;
  /** Repositories of remote bases, by location. */
  remotes: Map<string, Collection>;
  rewrites: Rewrite[];
  open: OpenLocation;
  signal: AbortSignal;
  inflation: Inflation;
}

/** More than this is a mistake, or worse. */
const maxRemotes = 32;

/**
 * Collects a kustomization's folder and every folder that it builds upon, in whichever repository. Throws Unsupported for files by
 * URL, and for charts unless the hub inflates them, PathOutsideRepository and PathNotFound for a reference that leads out or nowhere, Malformed for a
 * kustomization file, and what opening a remote base throws.
 */
export async function collectKustomization(walk: Walk, start: Place): Promise<void> {
  const seen = new Set<string>();
  const queue = [start];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const name = `${at.in.folder}/${at.path}`;
    if (seen.has(name)) continue;
    seen.add(name);
    await at.in.add(at.path);
    const { path, content } = await readKustomization(at);
    await collectInflatedCharts(walk, at, { path, content });
    for (const { field, reference } of referencesOf(content)) {
      const target = await resolveReference(walk, { from: at, reference, what: `${path}: ${field}` });
      if (target.in !== at.in) walk.rewrites.push({ file: { in: at.in, path }, entry: reference, target });
      if ((await target.in.snapshot.entry(target.path))?.type === 'tree') queue.push(target);
      else await target.in.add(target.path);
    }
    await collectStrays(at, content);
  }
}

/** A component that the Application adds by its own fields; returns where it is. Throws as for a reference. */
export async function collectComponent(walk: Walk, folder: string, component: string): Promise<Place> {
  const from = { in: walk.collection, path: folder };
  const target = await resolveReference(walk, { from, reference: component, what: 'kustomize.components' });
  await collectKustomization(walk, target);
  return target;
}

async function readKustomization(place: Place): Promise<{ path: string; content: Record<string, unknown> }> {
  const { snapshot } = place.in;
  const file = (await snapshot.children(place.path)).find(({ name }) => kustomizationFiles.includes(name));
  if (!file) throw new FleetError('RenderFailed', `${formatPlace(place)} has no ${kustomizationFiles.join(', ')}`);
  const text = (await snapshot.read(file.oid)).toString();
  try {
    const content = parseYaml(text);
    return { path: file.path, content: isRecord(content) ? content : {} };
  } catch (error) {
    throw new FleetError('Malformed', `${file.path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** For people: a folder of another repository with its URL. */
function formatPlace(place: Place): string {
  const from = place.in.inputs[0]?.from;
  return from ? `${formatPath(place.path)} of ${from.repoURL}` : formatPath(place.path);
}

interface Reference {
  from: Place;
  reference: string;
  /** For people: file and field. */
  what: string;
}

async function resolveReference(walk: Walk, { from, reference, what }: Reference): Promise<Place> {
  const { snapshot } = from.in;
  if (!(await existsLocally(snapshot, from.path, reference))) {
    if (isRemoteFile(reference))
      return await openRemote(walk, { ...remoteFile(reference), what: `${what}: ${reference}` });
    const remote = parseRemoteBase(reference);
    if (remote) return await openRemote(walk, { ...remote, what: `${what}: ${reference}` });
  }
  if (reference.startsWith('/'))
    throw new FleetError('PathOutsideRepository', `${what}: ${reference} is absolute: make it relative`);
  const path = resolvePath(from.path, reference, what);
  if (!(await snapshot.entry(path))) throw pathNotFound(repositoryOf(walk, from), snapshot, `${what}: ${reference}`);
  return { in: from.in, path };
}

async function openRemote(
  walk: Walk,
  remote: { location: SourceLocation; path: string; what: string },
): Promise<Place> {
  const key = locationText(remote.location);
  let collection = walk.remotes.get(key);
  if (!collection) {
    if (walk.remotes.size >= maxRemotes)
      throw new FleetError('TooLarge', `${remote.what}: more than ${maxRemotes} remote bases: commit some of them`);
    const snapshot = await walk.open(remote.location, walk.signal);
    collection = createCollection(snapshot, { folder: `remote-${walk.remotes.size}`, from: remote.location });
    walk.remotes.set(key, collection);
  }
  const path = resolvePath('', remote.path, remote.what);
  if (!(await collection.snapshot.entry(path)))
    throw pathNotFound(remote.location, collection.snapshot, `${remote.what}: path ${formatPath(path)}`);
  return { in: collection, path };
}

/** As a base: kustomize reads no single file that is not below its own folder. */
function remoteFile(url: string): { location: SourceLocation; path: string } {
  return { location: { repoURL: url, targetRevision: '', file: true }, path: '' };
}

function repositoryOf(walk: Walk, place: Place): { repoURL: string } {
  return place.in.inputs[0]?.from ?? walk.source;
}

async function existsLocally(snapshot: Snapshot, folder: string, reference: string): Promise<boolean> {
  try {
    return (await snapshot.entry(resolvePath(folder, reference, reference))) !== undefined;
  } catch (error) {
    if (error instanceof FleetError && error.code === 'PathOutsideRepository') return false;
    throw error;
  }
}

/**
 * Files outside the folder named in any other field: kustomize refuses to load them, and says so better when they are
 * there than when they are missing.
 */
async function collectStrays({ in: collection, path: folder }: Place, content: unknown): Promise<void> {
  const { snapshot } = collection;
  for (const text of textsOf(content)) {
    const path = text.slice(text.indexOf('=') + 1);
    if (!path.startsWith('../') || path.includes('\n') || !(await existsLocally(snapshot, folder, path))) continue;
    const target = resolvePath(folder, path, path);
    if (!isWithin(folder, target) && (await snapshot.entry(target))?.type === 'file') await collection.add(target);
  }
}

/** Entries that are paths; an entry with a line break is an inline document. */
function referencesOf(content: Record<string, unknown>): { field: string; reference: string }[] {
  return referenceFields.flatMap((field) => {
    const entries: unknown[] = Array.isArray(content[field]) ? content[field] : [];
    return entries
      .filter((entry): entry is string => typeof entry === 'string' && !entry.includes('\n'))
      .map((reference) => ({ field, reference }));
  });
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
