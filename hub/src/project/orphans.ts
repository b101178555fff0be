import type { OrphanPolicy } from '@wheelhouse/shared/protocol/orphans';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';

/** Argo CD: `orphanedResources`, with the kinds that the project permits in namespaces; undefined where it does not ask for them. */
export function orphanPolicyOf({ spec }: AppProject): OrphanPolicy | undefined {
  const { orphanedResources, namespaceResourceWhitelist: permitted, namespaceResourceBlacklist: denied = [] } = spec;
  if (!orphanedResources) return undefined;
  return { ignore: orphanedResources.ignore ?? [], ...(permitted ? { permitted } : {}), denied };
}

/** Argo CD: orphans are warned of unless it is switched off. */
export function warnsOfOrphans({ spec }: AppProject): boolean {
  return spec.orphanedResources !== undefined && spec.orphanedResources.warn !== false;
}
