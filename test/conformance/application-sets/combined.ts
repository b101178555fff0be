import type { TableRow } from './row.ts';

/** Files and combinations. */
export const combined: readonly TableRow[] = [
  {
    name: 'directories without Go templates',
    expected: ['redis berlin charts/redis'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: charts/* }] }
  template:
    metadata:
      name: '{{path.basename}}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{path}}' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'directories by team',
    expected: ['alpha-pay berlin teams/alpha/pay/prod', 'beta-mail berlin teams/beta/mail/prod'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: teams/*/*/prod }] }
  template:
    metadata:
      name: '{{ index .path.segments 1 }}-{{ index .path.segments 2 }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: berlin, namespace: '{{ .path.basename }}' }
`,
  },
  {
    name: 'directories under a prefix of their own',
    expected: ['redis berlin charts/redis'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: charts/* }], pathParamPrefix: chart }
  template:
    metadata:
      name: '{{ .chart.path.basename }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .chart.path.path }}' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'files of JSON',
    expected: ['edge-1 lab_1 envs/dev', 'stable-3 berlin envs/prod'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/*/config.json }] }
  template:
    metadata:
      name: '{{ .track }}-{{ .cluster.replicas }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .cluster.name }}', namespace: shop }
`,
  },
  {
    name: 'files of JSON without Go templates',
    expected: ['stable berlin envs/prod'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/prod/config.json }] }
  template:
    metadata:
      name: '{{track}}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{path}}' }
      destination: { name: '{{cluster.name}}', namespace: shop }
`,
  },
  {
    name: 'a file that lists its elements',
    expected: ['red-10 berlin tenants/red', 'blue-20 berlin tenants/blue'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/tenants.yaml }] }
  template:
    metadata:
      name: '{{ .tenant }}-{{ .quota }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'tenants/{{ .tenant }}' }
      destination: { name: berlin, namespace: shop }
`,
  },
  {
    name: 'files but some',
    expected: ['stable berlin envs/prod'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/*/config.json }, { path: envs/dev/*, exclude: true }] }
  template:
    metadata:
      name: '{{ .track }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .cluster.name }}', namespace: shop }
`,
  },
  {
    name: 'files with values',
    expected: ['stable-config-json berlin envs/prod'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/prod/config.json }], values: { base: "{{ .track }}-{{ .path.filename }}" } }
  template:
    metadata:
      name: '{{ .values.base | normalize | replace "." "-" }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .cluster.name }}', namespace: shop }
`,
  },
  {
    name: 'directories on clusters',
    expected: ['cart-berlin berlin apps/cart', 'cart-austin austin apps/cart'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: apps/c* }] } }, { clusters: { selector: { matchLabels: { tier: gold } } } }] }
  template:
    metadata:
      name: '{{ .path.basename }}-{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'clusters that choose their directories',
    expected: ['berlin-cart berlin apps/cart', 'oslo-cart oslo apps/cart', 'austin-cart austin apps/cart'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ clusters: { selector: { matchLabels: { env: prod } }, values: { app: cart } } }, { git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: "apps/{{ .values.app }}" }] } }] }
  template:
    metadata:
      name: '{{ .name }}-{{ .path.basename }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a list in a matrix',
    expected: ['a-berlin berlin apps/a', 'a-oslo oslo apps/a', 'b-berlin berlin apps/b', 'b-oslo oslo apps/b'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ list: { elements: [{ app: a }, { app: b }] } }, { list: { elements: [{ name: berlin }, { name: oslo }] } }] }
  template:
    metadata:
      name: '{{ .app }}-{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/{{ .app }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a matrix in a matrix',
    expected: ['a-one-austin austin apps/a', 'a-two-austin austin apps/a'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ matrix: { generators: [{ list: { elements: [{ app: a }] } }, { list: { elements: [{ env: one }, { env: two }] } }] } }, { clusters: { selector: { matchLabels: { region: us } } } }] }
  template:
    metadata:
      name: '{{ .app }}-{{ .env }}-{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/{{ .app }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'files that name their cluster, matched by label',
    expected: [
      'edge-lab-1 lab_1 envs/dev',
      'stable-berlin berlin envs/prod',
      'stable-oslo oslo envs/prod',
      'stable-austin austin envs/prod',
    ],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - matrix: { generators: [{ git: { repoURL: https://git.example.com/fleet.git, revision: main, files: [{ path: envs/*/config.json }] } }, { clusters: { selector: { matchLabels: { env: "{{ index .path.segments 1 }}" } } } }] }
  template:
    metadata:
      name: '{{ .track }}-{{ .nameNormalized }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'values that a list overrides',
    expected: ['berlin-5 berlin apps/web', 'oslo-1 oslo apps/web', 'austin-1 austin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - merge: { mergeKeys: [name], generators: [{ clusters: { selector: { matchLabels: { env: prod } }, values: { replicas: "1" } } }, { list: { elements: [{ name: berlin, values: { replicas: "5" } }] } }] }
  template:
    metadata:
      name: '{{ .name }}-{{ .values.replicas }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'values that labels override, without Go templates',
    expected: ['berlin-l berlin apps/web', 'oslo-s oslo apps/web', 'lab-1-s lab_1 apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - merge: { mergeKeys: [name], generators: [{ clusters: { selector: { matchLabels: { region: eu } }, values: { size: s } } }, { clusters: { selector: { matchLabels: { tier: gold } }, values: { size: l } } }] }
  template:
    metadata:
      name: '{{nameNormalized}}-{{values.size}}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{name}}', namespace: shop }
`,
  },
];
