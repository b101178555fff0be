import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { explicitSourceType } from '../render/discover.ts';
import { checkReferences } from '../render/references.ts';
import type { Problem } from '../store/derived.ts';

/** Why an Application cannot be rendered by this version, or at all: a field that is not built is refused, never ignored. */
export function whyUnsupported({ spec, metadata }: Application): Problem | undefined {
  if (spec.sourceHydrator) return unsupported(metadata.name, 'spec.sourceHydrator');
  const sources = spec.sources?.length ? spec.sources : [spec.source].filter((source) => source !== undefined);
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

function unsupported(name: string | undefined, what: string): Problem {
  return {
    code: 'Unsupported',
    message: `application ${name} uses ${what}, which this version does not support: its last state is left as it is`,
  };
}
