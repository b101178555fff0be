import type { RepositoryFiles } from '@wheelhouse/test/support/git-repository';

const services = ['catalog', 'checkout', 'payments'] as const;

function manifests(service: string, replicas: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${service}
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: ${service}
  template:
    metadata:
      labels:
        app: ${service}
    spec:
      containers:
        - name: ${service}
          image: registry.example.com/shop/${service}:1.4.2
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef:
                name: ${service}
---
apiVersion: v1
kind: Service
metadata:
  name: ${service}
spec:
  selector:
    app: ${service}
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${service}
data:
  LOG_LEVEL: info
  GREETING: hello from ${service}
`;
}

/** A shop in one repository: three services as plain YAML, one as a kustomization. */
export function demoFiles(): RepositoryFiles {
  return {
    'README.md': '# Shop\n\nOne folder a service. Commit here, push, and watch the fleet follow.\n',
    ...Object.fromEntries(services.map((service) => [`services/${service}/manifests.yaml`, manifests(service, 2)])),
    'services/storefront/manifests.yaml': manifests('storefront', 3),
    'services/storefront/kustomization.yaml': 'resources:\n  - manifests.yaml\nlabels:\n  - pairs:\n      team: web\n',
  };
}

/** Every service on every production cluster. */
export function demoApplicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: shop
  namespace: argocd
spec:
  generators:
    - matrix:
        generators:
          - git:
              repoURL: ${repoURL}
              revision: HEAD
              directories:
                - path: services/*
          - clusters:
              selector:
                matchLabels:
                  environment: production
  template:
    metadata:
      name: '{{path.basename}}-{{name}}'
    spec:
      project: default
      source:
        repoURL: ${repoURL}
        targetRevision: HEAD
        path: '{{path}}'
      destination:
        server: '{{server}}'
        namespace: '{{path.basename}}'
      syncPolicy:
        automated:
          prune: true
          selfHeal: true
        syncOptions:
          - CreateNamespace=true
`;
}

/** Name, labels: two production clusters, and one that a relabel makes the third. */
export const demoClusters: Record<string, Record<string, string>> = {
  'us-east': { region: 'us', environment: 'production' },
  'us-west': { region: 'us', environment: 'production' },
  'eu-central': { region: 'eu', environment: 'staging' },
};
