import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AppState, SyncContext } from './app-state.ts';
import { bindManifest, type DesiredResource } from './target.ts';

/** Reads the manifests of resources as they are applied; the bundle is fetched once, when the first is asked for. */
export type ManifestOf = (resource: DesiredResource) => Promise<KubeObject>;

export function createManifestOf(context: Pick<SyncContext, 'manifests'>, state: AppState): ManifestOf {
  let bundle: Promise<KubeObject[]> | undefined;
  return async (resource) => {
    bundle ??= context.manifests(state.target?.bundle ?? '');
    const manifest = (await bundle)[resource.at];
    if (!manifest) throw new FleetError('Internal', `the bundle of ${state.app} has no manifest for ${resource.key}`);
    return bindManifest(manifest, state.app, resource.ref);
  };
}
