import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import { readCompareSettings } from '@wheelhouse/shared/resources/compare-settings';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { SpecStore } from '../store/specs.ts';

export interface IgnoredBySettings {
  ignored?: readonly IgnoreDifference[];
}

/**
 * Argo CD: the differences that `argocd-cm`, if there is one, has ignored in all Applications. Read once for each version of
 * it, so that all Applications share one list.
 */
export function createIgnored(specs: Pick<SpecStore, 'find'>): () => IgnoredBySettings {
  let last: { from: unknown; outcome: IgnoredBySettings } = { from: undefined, outcome: {} };
  return () => {
    const from = specs.find('ConfigMap', controlNamespace, 'argocd-cm')?.resource as
      | { data?: Record<string, string> }
      | undefined;
    if (from === last.from) return last.outcome;
    const { ignored } = readCompareSettings(from?.data ?? {});
    last = { from, outcome: ignored.length > 0 ? { ignored } : {} };
    return last.outcome;
  };
}
