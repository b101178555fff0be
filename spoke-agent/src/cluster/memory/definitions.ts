import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApiResource } from '../cluster.ts';

interface DefinitionSpec {
  group?: string;
  scope?: string;
  names?: { kind?: string; plural?: string };
  versions?: { name: string; served?: boolean }[];
}

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** The kinds that a CustomResourceDefinition makes the API server serve. */
export function kindsDefinedBy(definition: KubeObject): ApiResource[] {
  const spec = (definition['spec'] ?? {}) as DefinitionSpec;
  return (spec.versions ?? [])
    .filter(({ served }) => served !== false)
    .map(({ name }) => ({
      group: spec.group ?? '',
      version: name,
      kind: spec.names?.kind ?? '',
      plural: spec.names?.plural ?? '',
      namespaced: spec.scope !== 'Cluster',
      verbs,
    }));
}

export const establishedStatus = {
  conditions: [
    { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts' },
    { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
  ],
};
