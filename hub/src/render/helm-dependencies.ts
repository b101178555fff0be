import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { pathNotFound } from './discover.ts';
import type { HelmFiles } from './helm-values.ts';
import { resolvePath } from './repository-path.ts';

export interface ChartDependencies {
  /** From a registry or a Helm repository: they must be vendored. */
  remote: string[];
  /** By `file://`: folders of this repository. */
  local: string[];
}

/** A chart's dependencies; those by `file://` are collected. Throws Malformed and PathNotFound for Chart.yaml. */
export async function collectDependencies(files: HelmFiles): Promise<ChartDependencies> {
  const { source, snapshot, collection, folder } = files;
  const chartFile = folder === '' ? 'Chart.yaml' : `${folder}/Chart.yaml`;
  const entry = await snapshot.entry(chartFile);
  if (!entry) throw pathNotFound(source, snapshot, chartFile);
  const result: ChartDependencies = { remote: [], local: [] };
  for (const { name, repository } of readDependencies((await snapshot.read(entry.oid)).toString(), chartFile)) {
    if (!repository?.startsWith('file://')) {
      if (repository) result.remote.push(`${name} of ${repository}`);
      continue;
    }
    const path = repository.slice('file://'.length);
    if (path.startsWith('/'))
      throw new FleetError(
        'PathOutsideRepository',
        `${chartFile}: dependency ${repository} is absolute: make it relative`,
      );
    const target = resolvePath(folder, path, `${chartFile}: dependency ${name}`);
    if (!(await collection.add(target))) throw pathNotFound(source, snapshot, `${chartFile}: dependency ${repository}`);
    result.local.push(target);
  }
  return result;
}

function readDependencies(text: string, path: string): { name: string; repository?: string }[] {
  let chart: unknown;
  try {
    chart = parseYaml(text);
  } catch (error) {
    throw new FleetError('Malformed', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const dependencies = (chart as { dependencies?: unknown } | null)?.dependencies;
  return Array.isArray(dependencies) ? (dependencies as { name: string; repository?: string }[]) : [];
}
