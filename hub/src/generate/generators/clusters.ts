import type { ClusterGenerator } from '@wheelhouse/shared/resources/generator';
import { normalizeName } from '../template/functions/names.ts';
import { mapSlice, stringMap } from '../template/value.ts';
import type { GeneratorCluster, GeneratorContext } from './context.ts';
import { compileSelector } from './label-selector.ts';
import { compileValues, type Parameters } from './parameters.ts';

const secretType = 'argocd.argoproj.io/secret-type';
const localServer = 'https://kubernetes.default.svc';

// Argo CD: state that Argo CD or kubectl keep on the cluster, of no use to an Application and a cause of endless changes.
const hiddenAnnotations: ReadonlySet<string> = new Set([
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/refresh-timestamp',
  'argocd.argoproj.io/hydrate',
  'argocd.argoproj.io/hydrate-timestamp',
  'argocd.argoproj.io/tracking-id',
  'argocd.argoproj.io/installation-id',
  'kubectl.kubernetes.io/last-applied-configuration',
]);

/** Argo CD: clusters. The cluster that Argo CD itself runs in belongs to the result where no selector is given. */
export function clusterParameters(generator: ClusterGenerator, context: GeneratorContext): Parameters[] {
  context.reads.clusters = true;
  const { selector } = generator;
  const matches = compileSelector(selector, { anyValue: false });
  const addValues = compileValues(generator.values, context.compiler);
  const byName = new Map<string, GeneratorCluster>();
  for (const cluster of context.clusters) if (matches(labelsOf(cluster))) byName.set(cluster.name, cluster);
  const selected = [...byName.values()];
  const params = selected.map((cluster) => addValues(parametersOf(cluster, context.compiler.goTemplate)));
  if (!selects(selector) && !selected.some((cluster) => cluster.server === localServer))
    params.push(addValues({ name: 'in-cluster', nameNormalized: 'in-cluster', server: localServer, project: '' }));
  return generator.flatList === true ? [{ clusters: mapSlice(params) }] : params;
}

function selects(selector: ClusterGenerator['selector']): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0;
}

/** Argo CD: a cluster is a Secret with this label, which selectors and templates can see. */
function labelsOf(cluster: GeneratorCluster): Record<string, string> {
  return { ...cluster.labels, [secretType]: 'cluster' };
}

function parametersOf(cluster: GeneratorCluster, goTemplate: boolean): Parameters {
  const params: Parameters = {
    name: cluster.name,
    nameNormalized: normalizeName(cluster.name),
    server: cluster.server,
    project: cluster.project ?? '',
  };
  const annotations = Object.entries(cluster.annotations).filter(([key]) => !hiddenAnnotations.has(key));
  if (goTemplate) {
    const metadata: Parameters = {};
    if (Object.keys(cluster.annotations).length > 0)
      metadata['annotations'] = stringMap(Object.fromEntries(annotations));
    metadata['labels'] = stringMap(labelsOf(cluster));
    params['metadata'] = metadata;
    return params;
  }
  for (const [key, value] of annotations) params[`metadata.annotations.${key}`] = value;
  for (const [key, value] of Object.entries(labelsOf(cluster))) params[`metadata.labels.${key}`] = value;
  return params;
}
