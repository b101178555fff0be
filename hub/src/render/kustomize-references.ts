import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot } from '../source/source.ts';
import type { Collection } from './collection.ts';
import { kustomizationFiles, pathNotFound, unsupported } from './discover.ts';
import { formatPath, isWithin, resolvePath } from './repository-path.ts';

/** Fields whose entries are files or further kustomizations. */
const referenceFields = ['resources', 'bases', 'components', 'generators', 'transformers', 'validators'];

interface Walk {
  source: ApplicationSource;
  snapshot: Snapshot;
  collection: Collection;
}

/**
 * Collects a kustomization's folder and every folder that it builds upon. Throws Unsupported for a remote base and charts,
 * PathOutsideRepository and PathNotFound for a reference that leads out or nowhere, Malformed for a kustomization file.
 */
export async function collectKustomization(walk: Walk, folder: string): Promise<void> {
  const { snapshot, collection } = walk;
  const seen = new Set<string>();
  const queue = [folder];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    await collection.add(at);
    const { path, content } = await readKustomization(snapshot, at);
    if ('helmCharts' in content || 'helmChartInflationGenerator' in content)
      throw unsupported(walk.source, `${path}: helmCharts`, 'use the chart as a Helm source of its own');
    for (const { field, reference } of referencesOf(content)) {
      const target = await resolveReference(walk, { folder: at, reference, what: `${path}: ${field}` });
      if ((await snapshot.entry(target))?.type === 'tree') queue.push(target);
      else await collection.add(target);
    }
    await collectStrays(walk, at, content);
  }
}

/** A component that the Application adds by its own fields. Throws as for a reference. */
export async function collectComponent(walk: Walk, folder: string, component: string): Promise<void> {
  await collectKustomization(
    walk,
    await resolveReference(walk, { folder, reference: component, what: 'kustomize.components' }),
  );
}

async function readKustomization(
  snapshot: Snapshot,
  folder: string,
): Promise<{ path: string; content: Record<string, unknown> }> {
  const file = (await snapshot.children(folder)).find(({ name }) => kustomizationFiles.includes(name));
  if (!file) throw new FleetError('RenderFailed', `${formatPath(folder)} has no ${kustomizationFiles.join(', ')}`);
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

interface Reference {
  folder: string;
  reference: string;
  /** For people: file and field. */
  what: string;
}

async function resolveReference({ source, snapshot }: Walk, { folder, reference, what }: Reference): Promise<string> {
  if (looksRemote(reference) && !(await existsLocally(snapshot, folder, reference)))
    throw unsupported(source, `${what}: remote ${reference}`, 'copy it into the repository');
  if (reference.startsWith('/'))
    throw new FleetError('PathOutsideRepository', `${what}: ${reference} is absolute: make it relative`);
  const path = resolvePath(folder, reference, what);
  if (!(await snapshot.entry(path))) throw pathNotFound(source, snapshot, `${what}: ${reference}`);
  return path;
}

/** A URL, `host/path`, `user@host:path`, or anything with a Git ref. */
function looksRemote(reference: string): boolean {
  return /:\/\/|^git::|^[\w.-]+@[\w.-]+:|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}[/:]|[?&]ref=|\.git(?:\/|$)/u.test(reference);
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
async function collectStrays({ snapshot, collection }: Walk, folder: string, content: unknown): Promise<void> {
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
