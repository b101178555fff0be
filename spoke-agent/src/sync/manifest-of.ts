import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AppState, SyncContext } from './app-state.ts';
import { asStandby } from './standby.ts';
import { bindManifest, type DesiredResource } from './target.ts';

/** Reads the manifests of resources as they are applied; the bundle of the target is fetched once, when the first is asked for. */
export type ManifestOf = (resource: DesiredResource) => Promise<KubeObject>;

export function createManifestOf(context: Pick<SyncContext, 'manifests'>, state: AppState): ManifestOf {
  const digest = state.target?.bundle ?? '';
  const standby = state.target?.standby === true;
  let bundle: Promise<KubeObject[]> | undefined;
  return async (resource) => {
    bundle ??= context.manifests(digest);
    const manifest = (await bundle)[resource.at];
    if (!manifest) throw new FleetError('Internal', `the bundle of ${state.app} has no manifest for ${resource.key}`);
    return bindManifest(standby ? asStandby(manifest) : manifest, state.app, resource.ref);
  };
}
