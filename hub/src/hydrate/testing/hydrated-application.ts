import type { Application } from '@wheelhouse/shared/resources/application';
import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import { type ApplicationFields, applicationOf, repoURL } from '../../testing/hub-state.ts';

export interface HydratorFields {
  dry?: Partial<SourceHydrator['drySource']>;
  sync?: Partial<SourceHydrator['syncSource']>;
  hydrateTo?: string;
}

/** From folder `base` of `main` to folder `shop` of branch `environments/east`. */
export function hydratorOf({ dry, sync, hydrateTo }: HydratorFields = {}): SourceHydrator {
  return {
    drySource: { repoURL, targetRevision: 'main', path: 'base', ...dry },
    syncSource: { targetBranch: 'environments/east', path: 'shop', ...sync },
    ...(hydrateTo === undefined ? {} : { hydrateTo: { targetBranch: hydrateTo } }),
  };
}

/** An Application that is rendered from the folder of its name, and written to the folder of its name. */
export function hydratedApplication(
  name: string,
  { dry, sync, hydrateTo }: HydratorFields = {},
  { spec, ...fields }: ApplicationFields = {},
): Application {
  const hydrator = { dry: { path: name, ...dry }, sync: { path: name, ...sync } };
  const sourceHydrator = hydratorOf({ ...hydrator, ...(hydrateTo === undefined ? {} : { hydrateTo }) });
  return applicationOf(name, { ...fields, spec: { sourceHydrator, ...spec } });
}
