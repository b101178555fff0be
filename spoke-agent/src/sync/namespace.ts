import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { actingAs } from './acting-as.ts';
import type { AppState, SyncContext } from './app-state.ts';

/**
 * Argo CD: CreateNamespace=true, with `managedNamespaceMetadata`. The namespace is made when it is missing and otherwise
 * only gets those labels and annotations, under a field manager of their own: it is not the Application's, carries no
 * tracking id and is never pruned.
 */
export async function createNamespace(
  { cluster, namespaces }: Pick<SyncContext, 'cluster' | 'namespaces'>,
  state: AppState,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  const metadata = state.policy.assigned?.policy.managedNamespaceMetadata;
  const manager = `wheelhouse-namespace${metadata ? `-${state.app}` : ''}`.slice(0, 128);
  const ref = { group: '', version: 'v1', kind: 'Namespace', namespace: '', name };
  if (!metadata && (await cluster.find(ref, signal)) !== undefined) {
    namespaces.add(name);
    return;
  }
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { ...metadata, name } };
  await cluster.apply(object, { fieldManager: manager, ...actingAs(state), signal });
  namespaces.add(namespaceKey(state, name));
}

/** Makes the destination namespace before a sync, unless that is known to be done. */
export async function ensureNamespace(context: SyncContext, state: AppState, signal: AbortSignal): Promise<void> {
  const name = state.target?.namespace;
  const isOurs = state.target?.resources.some(
    ({ ref }) => ref.kind === 'Namespace' && ref.group === '' && ref.name === name,
  );
  if (!name || isOurs || context.namespaces.has(namespaceKey(state, name))) return;
  await createNamespace(context, state, { name, signal });
}

function namespaceKey(state: AppState, name: string): string {
  const metadata = state.policy.assigned?.policy.managedNamespaceMetadata;
  return metadata ? `${name} ${canonicalJson(metadata)}` : name;
}
