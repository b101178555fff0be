import type { Application } from '@wheelhouse/shared/resources/application';
import type { Problem } from '../store/derived.ts';

type Check = [field: string, uses: (spec: Application['spec']) => unknown];

/** Fields of Argo CD's that are read and understood, but whose behaviour is not built: refused with a reason, never ignored. */
const unsupported: Check[] = [
  ['spec.sourceHydrator', (spec) => spec.sourceHydrator],
  ['spec.sources with more than one entry', (spec) => (spec.sources?.length ?? 0) > 1],
  ['spec.source.chart', (spec) => (spec.source ?? spec.sources?.[0])?.chart],
  ['spec.source.plugin', (spec) => (spec.source ?? spec.sources?.[0])?.plugin],
  ['spec.source.directory.jsonnet', (spec) => hasFields((spec.source ?? spec.sources?.[0])?.directory?.jsonnet)],
];

/** Why an Application cannot be rendered by this version. */
export function whyUnsupported(application: Application): Problem | undefined {
  const found = unsupported.find(([, uses]) => uses(application.spec));
  if (!found) return undefined;
  return {
    code: 'Unsupported',
    message: `application ${application.metadata.name} uses ${found[0]}, which this version does not support: its last state is left as it is`,
  };
}

function hasFields(value: object | undefined): boolean {
  return value !== undefined && Object.keys(value).length > 0;
}
