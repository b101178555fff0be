import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { explicitSourceType, isReferenceOnly } from '../render/discover.ts';
import { allowedSecretsOf } from '../render/raw-secrets.ts';
import { type RenderFacts, renderRequestKey, type SourceType } from '../render/render.ts';
import { locationOf } from '../source/location.ts';
import { generatePathsAnnotation } from '../source/refresh-paths.ts';
import type { Derived } from '../store/derived.ts';
import { nameOf, namespaceOf } from '../store/specs.ts';

/** What must be rendered for an Application. */
export interface ApplicationRequest {
  key: string;
  facts: RenderFacts;
}

/** Undefined until it is known what lies at the paths of the sources: requests are shared as far as the tools allow. */
export function requestOf(
  application: Application,
  sources: readonly ApplicationSource[],
  {
    derived,
    project,
    integrity,
  }: { derived: Pick<Derived, 'discovery'>; project: AppProject | undefined; integrity?: RenderFacts['integrity'] },
): ApplicationRequest | undefined {
  const found = sources.map((source) => lookUp(source, derived));
  if (found.includes(undefined)) return undefined;
  const id = applicationId(namespaceOf(application), nameOf(application));
  const overridden = found.some((one) => one?.overriders.includes('') || one?.overriders.includes(id));
  const rawSecrets = allowedSecretsOf(project);
  const facts: RenderFacts = {
    ...factsOf(application),
    ...(overridden ? { overriddenBy: id } : {}),
    ...(integrity ? { integrity } : {}),
    ...(rawSecrets.length > 0 ? { rawSecrets } : {}),
  };
  const types = found.map((one) => one?.type);
  return { key: renderRequestKey(sources, facts, types), facts };
}

/** What a render may know of an Application. */
export function factsOf(application: Application): RenderFacts {
  const generatePaths = application.metadata.annotations?.[generatePathsAnnotation];
  return {
    appName: nameOf(application),
    appNamespace: namespaceOf(application),
    project: application.spec.project,
    namespace: application.spec.destination.namespace ?? '',
    ...(generatePaths ? { generatePaths } : {}),
  };
}

/** What is known of a source's path; undefined when nothing is. A chart is known by itself, a reference needs no look. */
function lookUp(
  source: ApplicationSource,
  derived: Pick<Derived, 'discovery'>,
): { type: SourceType | undefined; overriders: readonly string[] } | undefined {
  if (source.chart || isReferenceOnly(source)) return { type: explicitSourceType(source), overriders: [] };
  const path = source.path ?? '';
  const found = derived.discovery(locationOf(source));
  const type = found?.types[path];
  return type && { type: explicitSourceType(source) ?? type, overriders: found?.overrides?.[path] ?? [] };
}
