/** Application `dns`, which holds the Job of a failover hook: synced by nobody but the hook. */
export function dnsApplication(place: { repoURL: string; cluster: string; namespace: string }): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: dns, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${place.repoURL}', targetRevision: main, path: dns}
  destination: {name: ${place.cluster}, namespace: ${place.namespace}}
  syncPolicy: {syncOptions: [CreateNamespace=true]}
`;
}
