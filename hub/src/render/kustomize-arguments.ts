import type { KustomizeSource } from '@wheelhouse/shared/resources/application-source';
import type { RenderFacts } from './build-environment.ts';
import { parseKubeVersion } from './kube-version.ts';

/**
 * Arguments of the build of `folder`. Argo CD: the hub's build options follow the folder; only with Helm inflation among them is
 * kustomize told what Helm's Capabilities are.
 */
export function kustomizeArguments(
  options: KustomizeSource,
  build: { folder: string; buildOptions: readonly string[]; facts: Pick<RenderFacts, 'kubeVersion' | 'apiVersions'> },
): string[] {
  const { folder, buildOptions, facts } = build;
  const capabilities = inflatesHelm(buildOptions) ? capabilityFlags(options, facts) : [];
  return ['build', folder, ...buildOptions, ...capabilities];
}

export function inflatesHelm(buildOptions: readonly string[]): boolean {
  return buildOptions.includes('--enable-helm') || buildOptions.includes('--enable-helm=true');
}

function capabilityFlags(options: KustomizeSource, facts: Pick<RenderFacts, 'kubeVersion' | 'apiVersions'>): string[] {
  const kubeVersion = parseKubeVersion(options.kubeVersion || (facts.kubeVersion ?? ''));
  const apiVersions = options.apiVersions?.length ? options.apiVersions : (facts.apiVersions ?? []);
  return [
    ...(kubeVersion ? ['--helm-kube-version', kubeVersion] : []),
    ...apiVersions.flatMap((version) => ['--helm-api-versions', version]),
  ];
}
