import type { TableRow } from './row.ts';

/** Lists, clusters and directories. */
export const simple: readonly TableRow[] = [
  {
    name: 'a list of clusters',
    expected: ['berlin-shop berlin apps/eu', 'austin-shop austin apps/us'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [{ name: berlin, where: eu }, { name: austin, where: us }] }
  template:
    metadata:
      name: '{{ .name }}-shop'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/{{ .where }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a list without Go templates',
    expected: ['berlin-web berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - list: { elements: [{ name: berlin, url: "https://x" }] }
  template:
    metadata:
      name: '{{name}}-web'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{name}}', namespace: shop }
`,
  },
  {
    name: 'a list given as YAML text',
    expected: ['oslo oslo apps/web', 'lab-1 lab_1 apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elementsYaml: "[{name: oslo}, {name: lab_1}]" }
  template:
    metadata:
      name: '{{ .name | normalize }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'a list with a selector behind it',
    expected: ['berlin berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [{ name: berlin, env: prod }, { name: oslo, env: dev }] }
      selector: { matchLabels: { env: prod } }
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
    name: 'no element at all',
    expected: [],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - list: { elements: [] }
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
    name: 'all clusters',
    expected: [
      'berlin berlin apps/web',
      'oslo oslo apps/web',
      'austin austin apps/web',
      'lab-1 lab_1 apps/web',
      'in-cluster in-cluster apps/web',
    ],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: {}
  template:
    metadata:
      name: '{{ .nameNormalized }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'clusters by label',
    expected: ['web-berlin berlin apps/web', 'web-oslo oslo apps/web', 'web-austin austin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchLabels: { env: prod } } }
  template:
    metadata:
      name: 'web-{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'clusters by expression',
    expected: ['berlin berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchExpressions: [{ key: tier, operator: In, values: [gold] }, { key: region, operator: NotIn, values: [us] }] } }
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
    name: 'clusters with their labels and values',
    expected: ['berlin berlin regions/eu', 'austin austin regions/us'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchLabels: { tier: gold } }, values: { path: "regions/{{ .metadata.labels.region }}" } }
  template:
    metadata:
      name: '{{ .name }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .values.path }}' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'clusters by their server',
    expected: ['lab-1 https://lab-1.example.com apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchLabels: { env: dev } } }
  template:
    metadata:
      name: '{{ .nameNormalized }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { server: '{{ .server }}', namespace: shop }
`,
  },
  {
    name: 'clusters in one Application',
    expected: ['everywhere berlin,oslo,austin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchLabels: { env: prod } }, flatList: true }
  template:
    metadata:
      name: everywhere
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ range $i, $c := .clusters }}{{ if $i }},{{ end }}{{ $c.name }}{{ end }}', namespace: shop }
`,
  },
  {
    name: "a cluster's annotation",
    expected: ['berlin-example-com berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters: { selector: { matchExpressions: [{ key: tier, operator: In, values: [gold] }, { key: region, operator: In, values: [eu] }] } }
  template:
    metadata:
      name: '{{ index .metadata.annotations "shop/domain" | replace "." "-" }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{ .name }}', namespace: shop }
`,
  },
  {
    name: 'clusters without Go templates',
    expected: ['austin-us austin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  generators:
    - clusters: { selector: { matchLabels: { region: us } } }
  template:
    metadata:
      name: '{{name}}-{{metadata.labels.region}}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: 'apps/web' }
      destination: { name: '{{name}}', namespace: shop }
`,
  },
  {
    name: 'directories',
    expected: ['cart berlin apps/cart', 'web berlin apps/web', 'web-legacy berlin apps/web-legacy'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: apps/* }] }
  template:
    metadata:
      name: '{{ .path.basename }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: berlin, namespace: '{{ .path.basename }}' }
`,
  },
  {
    name: 'directories but one',
    expected: ['cart berlin apps/cart', 'web berlin apps/web'],
    yaml: `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: fleet, namespace: argocd }
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - git: { repoURL: https://git.example.com/fleet.git, revision: main, directories: [{ path: apps/* }, { path: apps/*-legacy, exclude: true }] }
  template:
    metadata:
      name: '{{ .path.basename }}'
    spec:
      project: default
      source: { repoURL: https://git.example.com/fleet.git, targetRevision: main, path: '{{ .path.path }}' }
      destination: { name: berlin, namespace: '{{ .path.basename }}' }
`,
  },
];
