import type { GeneratorCluster, GeneratorContext } from '@wheelhouse/hub/generate/generators/context';
import { createMemo } from '@wheelhouse/hub/generate/memo';
import { createTemplateCompiler, type TemplateCompiler } from '@wheelhouse/hub/generate/template/template';
import type { HostPullRequest, HostRepository } from '@wheelhouse/hub/hosts/host';
import type { Snapshot, TreeEntry } from '@wheelhouse/hub/source/source';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';

/** What a case says about the world: a listing of directories or files, and the clusters. */
export interface World {
  directories?: string[];
  files?: Record<string, string>;
  clusters?: (Partial<GeneratorCluster> & { name: string; server: string; noClusterLabel?: boolean })[];
  listError?: string;
  repositoryNotFound?: boolean;
  pullRequests?: (Omit<HostPullRequest, 'headSha' | 'labels'> & { headSHA: string; labels: string[] | null })[];
  repositories?: (Omit<HostRepository, 'url' | 'sha' | 'labels'> & {
    uRL: string;
    sHA: string;
    labels: string[] | null;
  })[];
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
    hosts: hostsOf(world),
    memo: createMemo(),
    configMap: () => ({}),
    decisions: () => [],
    plugin: () => Promise.resolve([]),
    reads: { repositories: [], clusters: false, settings: [] },
    warnings: [],
    signal: new AbortController().signal,
    newGitFileGlobbing: options.newFileGlobbing === true,
  };
}

/** A host that lists what the case says. */
export function hostsOf(world: World): GeneratorContext['hosts'] {
  const fail = () => {
    const { listError, repositoryNotFound } = world;
    if (listError !== undefined) throw new FleetError(repositoryNotFound ? 'NotFound' : 'GeneratorFailed', listError);
  };
  const repositories = world.repositories ?? [];
  return {
    listing: async (_query, _interval, list) => await list(),
    repositories: () => ({
      list: () => {
        fail();
        const listed = repositories.map(({ uRL: url, sHA: _sha, branch: defaultBranch, labels, ...one }) => ({
          ...one,
          url,
          defaultBranch,
          labels: labels ?? [],
        }));
        return Promise.resolve(listed);
      },
      branches: ({ url, defaultBranch: name }) =>
        Promise.resolve(repositories.filter((one) => one.uRL === url).map(({ sHA: sha }) => ({ name, sha }))),
      hasPath: () => Promise.resolve(false),
    }),
    pullRequests: async () => {
      await Promise.resolve(fail());
      return (world.pullRequests ?? []).map(({ headSHA: headSha, labels, ...one }) => ({
        ...one,
        headSha,
        labels: labels ?? [],
      }));
    },
  };
}

/** A tree of the listed directories and files, in the order of the listing. */
export function snapshotOf({ directories = [], files = {} }: World): Snapshot {
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
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value !== 'object') return value;
  const kept = Object.entries(value)
    .map(([key, item]) => [key, withoutEmpty(item)] as const)
    .filter(([, item]) => item !== undefined && !(Array.isArray(item) && item.length === 0));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
