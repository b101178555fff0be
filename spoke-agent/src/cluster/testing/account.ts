import type { KubeObject } from '@wheelhouse/shared/kube/object';

/** Kubernetes: the user that a service account is. */
export function userOf(namespace: string, name = 'deployer'): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** A service account that may write ConfigMaps of its own namespace, and nothing else anywhere. */
export function deployerOf(namespace: string, name = 'deployer'): KubeObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name, namespace };
  const verbs = ['create', 'patch', 'delete'];
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion, kind: 'Role', metadata, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }] },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ];
}
