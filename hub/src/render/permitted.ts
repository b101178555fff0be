import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { IndexedApplication } from '../assign/applications.ts';
import { isSourcePermitted } from '../project/sources.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import { locationOf, locationText } from '../source/location.ts';
import type { OpenLocation } from './request.ts';

type Asking = Pick<IndexedApplication, 'application' | 'project'>;

/**
 * What is read besides an Application's own sources (remote bases, charts, files by URL) is asked for only where the project
 * of one that wants the render permits it: otherwise whoever writes a repository could have the hub call any address. Of
 * those that share a render, each is judged again by its own project. Throws NotPermitted.
 */
export function openPermitted(
  open: OpenLocation,
  sources: readonly ApplicationSource[],
  asking: () => readonly Asking[],
): OpenLocation {
  const own = new Set(sources.map((source) => locationText(locationOf(source))));
  return async (location, signal) => {
    const refused = own.has(locationText(location)) ? undefined : whyNotPermitted(location.repoURL, asking());
    if (refused) throw new FleetError('NotPermitted', refused);
    return await open(location, signal);
  };
}

function whyNotPermitted(repoURL: string, asking: readonly Asking[]): string | undefined {
  const [first] = asking;
  if (!first || asking.some(({ project }) => !project || isSourcePermitted(project.spec, repoURL))) return undefined;
  return `application ${first.application.metadata.name}: its manifests are made with files of ${withoutLogin(repoURL)}, which project ${first.application.spec.project} does not permit: add it to sourceRepos`;
}
