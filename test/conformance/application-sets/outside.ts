import type { TableRow } from './row.ts';

/** Code hosts, plugins, decisions and templates. */
export const outside: readonly TableRow[] = [
  {
    name: 'a matrix in a merge',
    expected: ['a-berlin-stable berlin apps/a', 'a-oslo-edge oslo apps/a'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  generators:
    - merge: { mergeKeys: [app, name], generators: [{ matrix: { generators: [{ list: { elements: [{ app: a }] } }, { list: { elements: [{ name: berlin }, { name: oslo }] } }] } }, { list: { elements: [{ app: a, name: oslo, track: edge }] } }] }
  template:
    metadata:
      name: '{{ .app }}-{{ .name }}-{{ default "stable" (get . "track") }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/{{ .app }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'repositories of an organization',
    expected: ['cart-c0ffee0 berlin deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - scmProvider: { github: { organization: shop }, filters: [{ labelMatch: deploy }] }
  template:
    metadata:
      name: '{{ .repository }}-{{ .short_sha_7 }}'
    spec:
      project: default
      source: { repoURL: '{{ .url }}', targetRevision: '{{ .branch }}', path: deploy }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'repositories but one',
    expected: ['cart-7 berlin deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - scmProvider: { gitlab: { group: shop }, cloneProtocol: https, filters: [{ repositoryMatch: "^[^d]" }], values: { id: "{{ .repository_id }}" } }
  template:
    metadata:
      name: '{{ .repository }}-{{ .values.id }}'
    spec:
      project: default
      source: { repoURL: '{{ .url }}', targetRevision: '{{ .sha }}', path: deploy }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'pull requests',
    expected: ['pr-12-feature-coupons-v2 berlin deploy', 'pr-15-wip berlin deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - pullRequest: { github: { owner: shop, repo: cart } }
  template:
    metadata:
      name: 'pr-{{ .number }}-{{ .branch_slug }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'deploy' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'pull requests into main',
    expected: ['preview-12 berlin deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - pullRequest: { gitea: { owner: shop, repo: cart, api: "https://gitea.example.com" }, filters: [{ targetBranchMatch: "^main$" }] }
  template:
    metadata:
      name: 'preview-{{number}}'
      annotations: { head: '{{head_short_sha}}' }
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'deploy' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'pull requests with a label, on clusters',
    expected: ['pr-12-lab-1 lab_1 deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ pullRequest: { github: { owner: shop, repo: cart }, filters: [{ titleMatch: "^Add" }] } }, { clusters: { selector: { matchLabels: { env: dev } } } }] }
  template:
    metadata:
      name: 'pr-{{ .number }}-{{ .nameNormalized }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'deploy' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a plugin',
    expected: ['from-plugin-2-gold berlin deploy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - plugin: { configMapRef: { name: argocd-plugin }, input: { parameters: { tier: gold } } }
  template:
    metadata:
      name: '{{ .name }}-{{ .size.cpu }}-{{ .generator.input.parameters.tier }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'deploy' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'decisions about clusters',
    expected: ['oslo-near oslo apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusterDecisionResource: { configMapRef: argocd-placement, labelSelector: { matchLabels: { app: shop } } }
  template:
    metadata:
      name: '{{ .name }}-{{ .reason }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: "a generator's own template",
    expected: ['special-berlin berlin other', 'oslo oslo apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list:
        elements: [{ name: berlin }]
        template: { metadata: { name: "special-{{ .name }}" }, spec: { project: default, source: { repoURL: "", path: other } } }
    - list: { elements: [{ name: oslo }] }
  template:
    metadata:
      name: '{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a patch with conditions',
    expected: ['berlin berlin apps/web auto', 'oslo oslo apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [{ name: berlin, auto: true }, { name: oslo, auto: false }] }
  templatePatch: |
    {{- if .auto }}
    spec: { syncPolicy: { automated: { prune: true } } }
    {{- end }}
  template:
    metadata:
      name: '{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'several generators',
    expected: ['berlin berlin apps/web', 'austin austin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [{ name: berlin }] }
    - clusters: { selector: { matchLabels: { region: us } } }
  template:
    metadata:
      name: '{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'names made from anything',
    expected: ['the-quick-brown berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [{ name: berlin, title: "The Quick_Brown Fox!" }] }
  template:
    metadata:
      name: '{{ slugify 16 true .title }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
];
