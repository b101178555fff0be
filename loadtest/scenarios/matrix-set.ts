import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';

export interface MatrixSet {
  repoURL: string;
  /** Of each Application, as templates. */
  labels?: Record<string, string>;
  /** Namespace that each goes to, as a template; `default` unless given. */
  namespace?: string;
  templatePatch?: string;
}

/** Every directory below `apps` on every cluster of tier `prod`, as most fleets are described. */
export function matrixSet({ repoURL, labels = {}, namespace = 'default', templatePatch }: MatrixSet): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: {
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators: [
        {
          matrix: {
            generators: [
              { git: { repoURL, revision: 'HEAD', directories: [{ path: 'apps/*' }] } },
              { clusters: { selector: { matchLabels: { tier: 'prod' } } } },
            ],
          },
        },
      ],
      template: {
        metadata: { name: '{{ .path.basename }}-{{ .nameNormalized }}', labels },
        spec: {
          project: 'default',
          source: { repoURL, targetRevision: 'HEAD', path: '{{ .path.path }}' },
          destination: { name: '{{ .name }}', namespace },
          syncPolicy: { automated: { prune: true, selfHeal: true } },
        },
      },
      ...(templatePatch === undefined ? {} : { templatePatch }),
    },
  };
}
