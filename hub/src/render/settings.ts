/** Argo CD's settings that change what renders give, from `argocd-cm`. */
export interface RenderSettings {
  /** Flags of every `kustomize build`. Argo CD: kustomize.buildOptions. */
  kustomizeBuildOptions: readonly string[];
  /** URL schemes from which Helm value files may be read. Argo CD: helm.valuesFileSchemes. */
  valuesFileSchemes: readonly string[];
}

export const defaultRenderSettings: RenderSettings = {
  kustomizeBuildOptions: [],
  valuesFileSchemes: ['https', 'http'],
};

/** Reads the ConfigMap `argocd-cm`, if there is one. */
export function readRenderSettings(configMap: { resource: object } | undefined): RenderSettings {
  const { data = {} } = (configMap?.resource ?? {}) as { data?: Record<string, string> };
  const schemes = data['helm.valuesFileSchemes'];
  return {
    kustomizeBuildOptions: wordsOf(data['kustomize.buildOptions'] ?? '', /\s+/u),
    valuesFileSchemes: schemes === undefined ? defaultRenderSettings.valuesFileSchemes : wordsOf(schemes, /\s*,\s*/u),
  };
}

function wordsOf(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((word) => word !== '');
}
