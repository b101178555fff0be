import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import { explicitSourceType } from '../render/discover.ts';
import type { Problem } from '../store/derived.ts';

/** Why an Application cannot be rendered by this version, or at all: a field that is not built is refused, never ignored. */
export function whyUnsupported({ spec, metadata }: Application): Problem | undefined {
  if (spec.sourceHydrator) return unsupported(metadata.name, 'spec.sourceHydrator');
  if (spec.sources && spec.sources.length > 1) return unsupported(metadata.name, 'more than one entry in spec.sources');
  const source = spec.source ?? spec.sources?.[0];
  if (!source) return { code: 'Invalid', message: `application ${metadata.name} has no source: give it spec.source` };
  try {
    explicitSourceType(source);
    return undefined;
  } catch (error) {
    const { code, message } = toFleetError(error);
    return { code, message: `application ${metadata.name}: ${message}` };
  }
}

function unsupported(name: string | undefined, what: string): Problem {
  return {
    code: 'Unsupported',
    message: `application ${name} uses ${what}, which this version does not support: its last state is left as it is`,
  };
}
