import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { whyNotHydratable } from '../hydrate/hydration-spec.ts';
import { explicitSourceType } from '../render/discover.ts';
import { checkReferences } from '../render/references.ts';
import type { Problem } from '../store/derived.ts';
import { whyRetryInvalid } from './retry.ts';

/** Why an Application cannot be rendered or synced by this version, or at all: a field that is not built is refused, never ignored. */
export function whyUnsupported(application: Application): Problem | undefined {
  const { spec, metadata } = application;
  const unwritable = whyNotHydratable(application);
  if (unwritable) return unwritable;
  const unretriable = spec.syncPolicy?.retry && whyRetryInvalid(spec.syncPolicy.retry);
  if (unretriable) return { code: 'Invalid', message: `application ${metadata.name}: spec.syncPolicy.${unretriable}` };
  const sources = spec.sourceHydrator ? [drySourceOf(spec.sourceHydrator)] : sourcesOf(spec);
  if (sources.length === 0)
    return { code: 'Invalid', message: `application ${metadata.name} has no source: give it spec.source` };
  try {
    for (const source of sources) checkSource(source);
    checkReferences(sources);
    return undefined;
  } catch (error) {
    const { code, message } = toFleetError(error);
    return { code, message: `application ${metadata.name}: ${message}` };
  }
}

function checkSource(source: ApplicationSource): void {
  explicitSourceType(source);
  // Argo CD: a chart without a version is refused
  if (source.chart && !source.targetRevision)
    throw new FleetError(
      'Invalid',
      `chart ${source.chart} of ${source.repoURL} has no version: give targetRevision a version or a range such as 1.*`,
    );
}
