import type { ScmProviderGenerator } from '@wheelhouse/shared/resources/generator';
import type { HostRepository } from '../../hosts/host.ts';
import { normalizeName } from '../template/functions/names.ts';
import { Int, type Value } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { selectRepositories } from './host-filters.ts';
import { compileValues, type Parameters } from './parameters.ts';

/** Argo CD: 30 minutes. */
const defaultIntervalSeconds = 1_800;

/** Argo CD: scmProvider. One element for each branch that is asked for. */
export async function repositoryParameters(
  generator: ScmProviderGenerator,
  context: GeneratorContext,
): Promise<Parameters[]> {
  const { template: _, values, requeueAfterSeconds: intervalSeconds = defaultIntervalSeconds, ...query } = generator;
  const addValues = compileValues(values, context.compiler);
  const repositories = await context.hosts.listing({ scmProvider: query }, intervalSeconds, async () => {
    const host = context.hosts.repositories(generator);
    return await selectRepositories(generator.filters, host);
  });
  return repositories.map((one) => addValues(parametersOf(one)));
}

function parametersOf({
  organization,
  repository,
  url,
  branch,
  sha,
  labels,
  repositoryId,
}: HostRepository): Parameters {
  return {
    organization,
    repository,
    repository_id: idOf(repositoryId),
    url,
    branch,
    branchNormalized: normalizeName(branch),
    sha,
    short_sha: sha.slice(0, 8),
    short_sha_7: sha.slice(0, 7),
    labels: labels.join(','),
  };
}

function idOf(id: HostRepository['repositoryId']): Value {
  return typeof id === 'number' ? new Int(id, 'int64') : id;
}
