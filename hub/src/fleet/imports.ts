import { whyNotClusterName } from '@wheelhouse/shared/protocol/cluster-name';
import { type ImportedCluster, parseClusterSecret } from '@wheelhouse/shared/resources/cluster-secret';
import { type Secret, secretTypeOf } from '@wheelhouse/shared/resources/settings';
import type { SpecStore } from '../store/specs.ts';

/** Clusters that Argo CD cluster Secrets announce: they are Expected until an agent enrols under their name. */
export interface Imports {
  /** Ordered by name; of two Secrets with one name the first, by namespace and name, counts. */
  list(): ImportedCluster[];
  find(name: string): ImportedCluster | undefined;
  onChange(listener: () => void): Disposable;
}

/** A copy of what is applied, read again only when a cluster Secret changes. */
export function createImports({ specs }: { specs: Pick<SpecStore, 'list' | 'onChange'> }): Imports {
  let byName: Map<string, ImportedCluster> | undefined;
  const listeners = new Set<() => void>();
  specs.onChange(({ kind, before, after }) => {
    if (kind !== 'Secret' || ![before, after].some((spec) => spec && isCluster(spec.resource as Secret))) return;
    byName = undefined;
    for (const listener of listeners) listener();
  });
  const index = () => (byName ??= new Map(read(specs).map((one) => [one.name, one])));
  return {
    list: () => [...index().values()],
    find: (name) => index().get(name),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Last first, so that in a map the first of a name wins. */
function read(specs: Pick<SpecStore, 'list'>): ImportedCluster[] {
  const keyOf = ({ metadata }: { metadata: { namespace?: string; name?: string } }) =>
    `${metadata.namespace}/${metadata.name}`;
  return specs
    .list('Secret')
    .map(({ resource }) => resource as Secret)
    .filter(isCluster)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))
    .map(parseClusterSecret)
    .filter(({ name }) => whyNotClusterName(name) === undefined);
}

function isCluster(secret: Secret): boolean {
  return secretTypeOf(secret) === 'cluster';
}
