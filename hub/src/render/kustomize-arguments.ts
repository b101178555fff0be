import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
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

const flags = ['--enable-helm', '--enable-managedby-label', '--helm-debug'];
const valued = ['--load-restrictor', '--reorder', '--helm-kube-version', '--helm-api-versions'];

/**
 * Throws Unsupported for a build option that runs programs of the repository, opens the network, writes elsewhere, or is not known
 * to do none of that.
 */
export function checkBuildOptions(buildOptions: readonly string[]): void {
  for (const [index, option] of buildOptions.entries()) {
    const [name = '', value] = option.split('=');
    const isValue = valued.includes(buildOptions[index - 1] ?? '');
    if (isValue || flags.includes(name) || valued.includes(name)) continue;
    throw new FleetError(
      'Unsupported',
      `kustomize.buildOptions in argocd-cm: ${name}${value === undefined ? '' : '=…'} is not supported: only ${[...flags, ...valued].join(', ')} are`,
    );
  }
}

/** Whether a kustomization may name any file that the process can read, itself or through helm. */
export function readsAnything(buildOptions: readonly string[]): boolean {
  return inflatesHelm(buildOptions) || buildOptions.some((option) => option.includes('LoadRestrictionsNone'));
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
