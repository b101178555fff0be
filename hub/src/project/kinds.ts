import { compilePathMatch } from '@wheelhouse/shared/glob/path-match';
import type { AppProjectSpec } from '@wheelhouse/shared/resources/app-project';

export interface KindInUse {
  group: string;
  kind: string;
  name: string;
  namespaced: boolean;
}

interface Item {
  group: string;
  kind: string;
  name?: string;
}

/**
 * Argo CD: kinds with a namespace are permitted unless a list says otherwise, and an empty allow list permits none; kinds
 * of the whole cluster only where an allow list names them.
 */
export function isKindPermitted(spec: AppProjectSpec, object: KindInUse): boolean {
  if (object.namespaced) {
    const allowed = spec.namespaceResourceWhitelist;
    if (allowed !== undefined && !isListed(allowed, { ...object, name: '' })) return false;
    return !isListed(spec.namespaceResourceBlacklist ?? [], { ...object, name: '' });
  }
  return (
    isListed(spec.clusterResourceWhitelist ?? [], object) && !isListed(spec.clusterResourceBlacklist ?? [], object)
  );
}

function isListed(items: readonly Item[], { group, kind, name }: KindInUse): boolean {
  return items.some(
    (item) =>
      matches(item.kind, kind) &&
      matches(item.group, group) &&
      (item.name === undefined || item.name === '' || matches(item.name, name)),
  );
}

function matches(pattern: string, text: string): boolean {
  return compilePathMatch(pattern)?.(text) ?? false;
}
