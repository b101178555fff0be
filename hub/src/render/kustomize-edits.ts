import type { KustomizeSource } from '@wheelhouse/shared/resources/application-source';

/**
 * The `kustomize edit` commands that carry an Application's options into a kustomization, in Argo CD's order. Patches
 * have no such command and are not here. Build environment must be substituted already.
 */
export function kustomizeEdits(options: KustomizeSource): string[][] {
  const { namePrefix, nameSuffix, images = [], replicas = [], commonLabels, commonAnnotations, namespace } = options;
  const annotationFlags = options.forceCommonAnnotations ? ['--force'] : [];
  return [
    ...(namePrefix ? [['set', 'nameprefix', '--', namePrefix]] : []),
    ...(nameSuffix ? [['set', 'namesuffix', '--', nameSuffix]] : []),
    ...withArguments(['set', 'image'], images),
    ...withArguments(
      ['set', 'replicas'],
      replicas.map(({ name, count }) => `${name}=${count}`),
    ),
    ...withArguments(['add', 'label', ...labelFlags(options)], pairsOf(commonLabels)),
    ...withArguments(['add', 'annotation', ...annotationFlags], pairsOf(commonAnnotations)),
    ...(namespace ? [['set', 'namespace', '--', namespace]] : []),
  ];
}

/** The `kustomize edit` command that adds components; it follows the patches. */
export function componentEdits(components: string[]): string[][] {
  return withArguments(['add', 'component'], components);
}

/** The command, unless there is nothing to give it. */
function withArguments(command: string[], values: string[]): string[][] {
  return values.length > 0 ? [[...command, ...values]] : [];
}

function labelFlags(options: KustomizeSource): string[] {
  return [
    ...(options.forceCommonLabels ? ['--force'] : []),
    ...(options.labelWithoutSelector ? ['--without-selector'] : []),
    ...(options.labelIncludeTemplates ? ['--include-templates'] : []),
  ];
}

function pairsOf(map: Record<string, string> | undefined): string[] {
  return Object.entries(map ?? {}).map(([key, value]) => `${key}:${value}`);
}
