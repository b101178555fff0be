import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { isOciUrl } from '../source/charts/oci-reference.ts';
import type { SourceLocation } from '../source/location.ts';
import { satisfies } from '../source/version-constraint.ts';
import { pathNotFound } from './discover.ts';
import type { Place } from './kustomize-references.ts';
import { resolvePath } from './repository-path.ts';
import type { OpenCharts, Vendored } from './vendored.ts';

interface Dependency {
  name: string;
  version?: string;
  repository?: string;
}

export interface DependencyWalk {
  source: { repoURL: string };
  charts: OpenCharts;
  vendored: Vendored[];
}

/** A chart of a chart of a chart … */
const maxDepth = 10;

/**
 * Collects what a chart in Git depends upon and does not have in `charts/`: folders of the repository by `file://`, and charts of
 * repositories and registries, at the version of Chart.lock, else the newest that the range takes. Throws Malformed, PathNotFound,
 * Invalid (a lock that does not fit), and what opening a chart throws.
 */
export async function collectDependencies(walk: DependencyWalk, chart: Place, depth = 0): Promise<void> {
  if (depth > maxDepth)
    throw new FleetError(
      'Invalid',
      `${chart.path}: its dependencies are deeper than ${maxDepth} charts: they refer to each other`,
    );
  const chartFile = fileIn(chart, 'Chart.yaml');
  const dependencies = await readDependencies(chart, 'Chart.yaml');
  if (!dependencies) throw pathNotFound(walk.source, chart.in.snapshot, chartFile);
  const present = await vendoredNames(chart);
  const locked = (await readDependencies(chart, 'Chart.lock')) ?? [];
  const taken = new Set<string>();
  for (const dependency of dependencies) {
    const { name, repository } = dependency;
    if (!repository || present.some((entry) => entry === name || entry.startsWith(`${name}-`))) continue;
    const from = repository.startsWith('file://')
      ? await localChart(walk, chart, {
          path: repository.slice('file://'.length),
          what: `${chartFile}: dependency ${name}`,
          depth,
        })
      : await remoteChart(walk, { dependency, locked, chartFile });
    const folder = taken.has(name) ? `${name}.${taken.size}` : name;
    taken.add(name);
    walk.vendored.push({ from, into: { in: chart.in, path: fileIn(chart, `charts/${folder}`) } });
  }
}

async function localChart(
  walk: DependencyWalk,
  chart: Place,
  local: { path: string; what: string; depth: number },
): Promise<Place> {
  if (local.path.startsWith('/'))
    throw new FleetError('PathOutsideRepository', `${local.what}: file://${local.path} is absolute: make it relative`);
  const target = { in: chart.in, path: resolvePath(chart.path, local.path, local.what) };
  if (!(await chart.in.add(target.path)))
    throw pathNotFound(walk.source, chart.in.snapshot, `${local.what}: file://${local.path}`);
  await collectDependencies(walk, target, local.depth + 1);
  return target;
}

async function remoteChart(
  { charts }: DependencyWalk,
  { dependency, locked, chartFile }: { dependency: Dependency; locked: Dependency[]; chartFile: string },
): Promise<Place> {
  const { name, version = '', repository = '' } = dependency;
  const lock = locked.find((entry) => entry.name === name && entry.repository === repository);
  if (lock?.version && version && version !== lock.version && !satisfies(lock.version, version))
    throw new FleetError(
      'Invalid',
      `${chartFile}: Chart.lock has ${name} ${lock.version}, which is not ${version}: run helm dependency update and commit Chart.lock`,
    );
  return { in: await charts.open(chartLocation(repository, name, lock?.version ?? version)), path: '' };
}

/** `oci://host/path` and the chart's name; `@name` stays what it is, and is looked up by whoever opens it. */
export function chartLocation(repository: string, chart: string, version: string): SourceLocation {
  const isAlias = /^(?:@|alias:)/u.test(repository);
  const repoURL = !isAlias && isOciUrl(repository) ? `oci://${repository.replace(/^oci:\/\//u, '')}` : repository;
  return { repoURL, chart, targetRevision: version || '*' };
}

async function vendoredNames(chart: Place): Promise<string[]> {
  const folder = fileIn(chart, 'charts');
  const entry = await chart.in.snapshot.entry(folder);
  if (entry?.type !== 'tree') return [];
  return (await chart.in.snapshot.children(folder)).map(({ name }) => name);
}

/** Undefined when there is no such file. */
async function readDependencies(chart: Place, name: string): Promise<Dependency[] | undefined> {
  const file = fileIn(chart, name);
  const entry = await chart.in.snapshot.entry(file);
  if (!entry) return undefined;
  let content: unknown;
  try {
    content = parseYaml((await chart.in.snapshot.read(entry.oid)).toString());
  } catch (error) {
    throw new FleetError('Malformed', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { dependencies } = (content ?? {}) as { dependencies?: unknown };
  if (!Array.isArray(dependencies)) return [];
  if (
    dependencies.every(
      (one): one is Dependency =>
        typeof (one as Dependency | null)?.name === 'string' && isFileName((one as Dependency).name),
    )
  )
    return dependencies;
  throw new FleetError('Malformed', `${file}: a dependency has no name, or one that is no name of a folder`);
}

function isFileName(name: string): boolean {
  return !/[/\\\0]|^\.{0,2}$/u.test(name);
}

function fileIn({ path }: Place, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
