export interface FleetSet {
  repoURL: string;
  /** `main` unless given. */
  revision?: string;
  /** Directories that are Applications; `services/*` unless given. */
  path?: string;
  /** Name of the set; `fleet` unless given. */
  name?: string;
  /** Of the clusters generator, in YAML's flow style: `{matchLabels: {role: active}}`. */
  selector: string;
}

/** An ApplicationSet of every directory on every cluster that is selected, synced and healed by itself. */
export function fleetSet(set: FleetSet): string {
  const { repoURL, revision = 'main', path = 'services/*', name = 'fleet', selector } = set;
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - matrix:
        generators:
          - git: {repoURL: '${repoURL}', revision: ${revision}, directories: [{path: '${path}'}]}
          - clusters: {selector: ${selector}}
  template:
    metadata: {name: '{{.path.basename}}-{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: ${revision}, path: '{{.path.path}}'}
      destination: {server: '{{.server}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

/** Manifest of a ConfigMap that says which version of it runs. */
export function versionedConfigMap(name: string, version: number | string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {version: "${version}"}\n`;
}
