import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Remote } from '../../remote.ts';

/** What would fill the memory; with the engine `auto` native git takes over. */
export function tooLarge(remote: Remote, what: string): FleetError {
  return new FleetError(
    'TooLarge',
    `repository ${remote.display} ${what}, too much for isomorphic-git; install git and set WHEELHOUSE_GIT_ENGINE to auto or native`,
    { details: { repository: remote.display } },
  );
}
