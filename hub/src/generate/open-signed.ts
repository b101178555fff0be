import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { controlNamespace, projectNameOf } from '@wheelhouse/shared/resources/defaults';
import { integrityOf, whyNoPolicy } from '../project/integrity.ts';
import type { Snapshot } from '../source/snapshot.ts';
import type { Sources } from '../source/sources.ts';
import type { SpecStore } from '../store/specs.ts';

export interface OpenSignedDeps extends Pick<Sources, 'verify'> {
  specs: Pick<SpecStore, 'find'>;
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
}

/**
 * Opens what git generators read, once it is signed as the project of the set's template wants it. Argo CD: where the template makes
 * up the project's name, nothing is verified here; the Applications then are, each for its own project.
 */
export function openSigned(
  { spec }: Pick<ApplicationSet, 'spec'>,
  { specs, snapshot, verify }: OpenSignedDeps,
): OpenSignedDeps['snapshot'] {
  const name = projectNameOf(spec.template.spec);
  const project = name.includes('{{') ? undefined : specs.find('AppProject', controlNamespace, name)?.resource;
  return async (repoURL, revision, signal) => {
    const opened = await snapshot(repoURL, revision, signal);
    const unclear = whyNoPolicy(project as AppProject | undefined, [{ repoURL }]);
    if (unclear) throw new FleetError('Invalid', unclear);
    const policy = integrityOf(project as AppProject | undefined, { repoURL });
    if (policy) await verify({ repoURL, targetRevision: revision }, { sha: opened.sha, policy }, signal);
    return opened;
  };
}
