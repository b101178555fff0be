import type { GeneratorCluster, GeneratorContext } from '@wheelhouse/hub/generate/generators/context';
import { createTemplateCompiler, type TemplateCompiler } from '@wheelhouse/hub/generate/template/template';
import type { Snapshot, TreeEntry } from '@wheelhouse/hub/source/source';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';

/** What a case says about the world: a listing of directories or files, and the clusters. */
export interface World {
  directories?: string[];
  files?: Record<string, string>;
  clusters?: (Partial<GeneratorCluster> & { name: string; server: string; noClusterLabel?: boolean })[];
  listError?: string;
}

export interface CaseOptions {
  goTemplate?: boolean;
  goTemplateOptions?: string[] | null;
  newFileGlobbing?: boolean;
  ordered?: boolean;
}

export function compilersFor(options: CaseOptions): { compiler: TemplateCompiler; strictCompiler: TemplateCompiler } {
  const goTemplate = options.goTemplate === true;
  return {
    compiler: createTemplateCompiler({ goTemplate, options: options.goTemplateOptions ?? [] }),
    strictCompiler: createTemplateCompiler({ goTemplate, options: ['missingkey=error'] }),
  };
}

export function contextFor(options: CaseOptions, world: World = {}): GeneratorContext {
  return {
    ...compilersFor(options),
    clusters: (world.clusters ?? [])
      .filter(({ noClusterLabel }) => noClusterLabel !== true)
      .map((cluster) => ({ labels: {}, annotations: {}, ...cluster })),
    snapshot: () =>
      world.listError === undefined ? Promise.resolve(snapshotOf(world)) : Promise.reject(new Error(world.listError)),
    reads: { repositories: [], clusters: false },
    warnings: [],
    signal: new AbortController().signal,
    newGitFileGlobbing: options.newFileGlobbing === true,
  };
}

/** A tree of the listed directories and files, in the order of the listing. */
function snapshotOf({ directories = [], files = {} }: World): Snapshot {
  const entries = new Map<string, TreeEntry>();
  for (const path of directories) add(entries, path, 'tree');
  for (const path of Object.keys(files)) add(entries, path, 'file');
  const below = (path: string) =>
    [...entries.values()].filter((entry) => path === '' || entry.path.startsWith(`${path}/`));
  return {
    sha: '0'.repeat(40),
    entry: (path) => Promise.resolve(entries.get(path)),
    children: (path) =>
      Promise.resolve(
        below(path).filter((entry) => !entry.path.slice(path === '' ? 0 : path.length + 1).includes('/')),
      ),
    async *walk(path) {
      yield* await Promise.resolve(below(path));
    },
    read: (oid) => Promise.resolve(Buffer.from(files[oid] ?? '')),
  };
}

function add(entries: Map<string, TreeEntry>, path: string, type: TreeEntry['type']): void {
  const slash = path.lastIndexOf('/');
  if (slash > 0 && !entries.has(path.slice(0, slash))) add(entries, path.slice(0, slash), 'tree');
  entries.set(path, { path, name: path.slice(slash + 1), oid: path, type, mode: '100644' });
}

/** The set that Argo CD's cases use. */
export function applicationSetOf(spec: ApplicationSet['spec']): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'set', namespace: 'argocd' },
    spec,
  };
}

/** Fixtures: null, an absent key, and an empty list, object or text are the same. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutEmpty(item) ?? null);
  if (value === null || value === '') return undefined;
  if (typeof value !== 'object') return value;
  const kept = Object.entries(value)
    .map(([key, item]) => [key, withoutEmpty(item)] as const)
    .filter(([, item]) => item !== undefined && !(Array.isArray(item) && item.length === 0));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
