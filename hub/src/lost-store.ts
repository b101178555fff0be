import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { replaceFile } from '@wheelhouse/shared/files/replace-file';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { SpecStore } from './store/specs.ts';

export interface LostStoreDeps {
  logger: Logger;
  specs: Pick<SpecStore, 'list'>;
  /** Ends the hub. */
  end(error: FleetError): void;
}

/**
 * NATS came back without its data while the hub was running: what the hub knows is of a store that no longer exists. Saves
 * the specs that people wrote, which are in memory only now, and ends the hub: started again it takes over what clusters hold.
 */
export async function leaveLostStore(deps: LostStoreDeps, { directory }: { directory: string }): Promise<void> {
  const file = path.join(directory, 'specs-before-loss.yaml');
  try {
    await mkdir(directory, { recursive: true });
    await replaceFile(file, formatSpecs(deps.specs));
  } catch (error) {
    deps.logger.error({ err: toFleetError(error), file }, 'cannot save the specs of the lost store');
  }
  deps.end(
    new FleetError(
      'TransportUnavailable',
      `NATS lost its data while the hub was running; the specs that it knew are in ${file}; start the hub again and see 'wheelhouse hub adoption'`,
    ),
  );
}

/** As they were written; without Secrets, and without what an App of Apps will make again. */
function formatSpecs(specs: Pick<SpecStore, 'list'>): string {
  const written = specs.list().filter(({ resource, owner }) => resource.kind !== 'Secret' && owner === undefined);
  return written.map(({ yaml, resource }) => (yaml === '' ? formatYaml(resource) : yaml).trim()).join('\n---\n');
}
