// ApplicationSets over a fleet whose Applications sync and heal by themselves, and manifests that say which version runs.

interface SetOfClusters {
  repoURL: string;
  /** `main` unless given. */
  revision?: string;
  /** Of the clusters generator, in YAML's flow style: `{matchLabels: {role: active}}`. */
  selector: string;
  /** Of the Applications, in YAML's flow style: `{app: '{{.path.basename}}'}`; none unless given. */
  labels?: string;
}

export interface FleetSet extends SetOfClusters {
  /** Directories that are Applications; `services/*` unless given. */
  path?: string;
  /** Name of the set; `fleet` unless given. */
  name?: string;
}

/** Every directory on every cluster that is selected. */
export function fleetSet({ path = 'services/*', name = 'fleet', ...of }: FleetSet): string {
  const { repoURL, revision = 'main', selector } = of;
  const generator = `
    - matrix:
        generators:
          - git: {repoURL: '${repoURL}', revision: ${revision}, directories: [{path: '${path}'}]}
          - clusters: {selector: ${selector}}`;
  return formatSet(of, { name, generator, application: '{{.path.basename}}-{{.name}}', folder: '{{.path.path}}' });
}

/** Set `web`: one Application on every cluster that is selected, from the folder of the cluster's label `ring`, as `rings/canary`. */
export function ringSet(of: SetOfClusters): string {
  const generator = `
    - clusters: {selector: ${of.selector}}`;
  const folder = 'rings/{{.metadata.labels.ring}}';
  return formatSet(of, { name: 'web', generator, application: 'web-{{.name}}', folder });
}

function formatSet(
  { repoURL, revision = 'main', labels }: SetOfClusters,
  { name, generator, application, folder }: { name: string; generator: string; application: string; folder: string },
): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  goTemplate: true
  generators:${generator}
  template:
    metadata: {${labels === undefined ? '' : `labels: ${labels}, `}name: '${application}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: ${revision}, path: '${folder}'}
      destination: {server: '{{.server}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

/** Set `numbers`: one Application for each name, from the folder of that name below `workloads`. */
export function numbersSet({
  repoURL,
  names,
  project = 'default',
}: {
  repoURL: string;
  names: readonly string[];
  project?: string;
}): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: numbers, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - list: {elements: [${names.map((name) => `{name: ${name}}`).join(', ')}]}
  template:
    metadata: {name: '{{.name}}'}
    spec:
      project: ${project}
      source: {repoURL: '${repoURL}', targetRevision: main, path: 'workloads/{{.name}}'}
      destination: {name: east, namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

/** Manifest of a ConfigMap that says which version of it runs. */
export function versionedConfigMap(name: string, version: number | string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {version: "${version}"}\n`;
}

/** Manifest of a Deployment whose Pods are of a version; one that is `broken` is Degraded on a hollow cluster. */
export function versionedDeployment(name: string, version: number, { broken = false } = {}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}${broken ? '\n  annotations: {wheelhouse.dev/simulate: failed}' : ''}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}, version: "v${version}"}}
    spec: {containers: [{name: ${name}, image: "example.com/${name}:${version}"}]}
`;
}
