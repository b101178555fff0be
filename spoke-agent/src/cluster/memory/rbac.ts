import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { ApiResource } from '../cluster.ts';
import type { Store } from './store.ts';

/** Kubernetes: what somebody asks to do to one object. */
export interface Access {
  /** Name of the user, as `system:serviceaccount:shop:deployer`. */
  user: string;
  verbs: readonly ('patch' | 'create' | 'delete')[];
  resource: ApiResource;
  ref: Pick<ObjectRef, 'namespace' | 'name'>;
}

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  verbs?: string[];
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

const group = 'rbac.authorization.k8s.io';
const version = 'v1';

/** Kubernetes: the role that every API server has and that permits everything. */
const clusterAdmin: Rule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];

/** RBAC as an API server applies it to somebody who is impersonated; undefined when roles and bindings permit it. */
export function whyForbidden(store: Pick<Store, 'find' | 'list'>, access: Access): FleetError | undefined {
  const rules = rulesFor(store, access);
  const { resource, ref, user } = access;
  const refused = access.verbs.find((verb) => !rules.some((rule) => permits(rule, verb, access)));
  if (!refused) return undefined;
  const where = ref.namespace ? ` in the namespace "${ref.namespace}"` : ' at the cluster scope';
  return new FleetError(
    'Forbidden',
    `${resource.plural} "${ref.name}" is forbidden: User "${user}" cannot ${refused} resource "${resource.plural}" in API group "${resource.group}"${where}`,
    { retryable: false, details: { httpStatus: 403, reason: 'Forbidden', subject: resource.plural } },
  );
}

function permits({ apiGroups, resources, resourceNames, verbs }: Rule, verb: string, access: Access): boolean {
  const { resource, ref } = access;
  const isNamed = !resourceNames?.length || resourceNames.includes(ref.name);
  return isNamed && has(apiGroups, resource.group) && has(resources, resource.plural) && has(verbs, verb);
}

function has(list: string[] | undefined, value: string): boolean {
  return list?.some((entry) => entry === '*' || entry === value) ?? false;
}

function rulesFor(store: Pick<Store, 'find' | 'list'>, { user, ref }: Access): Rule[] {
  const everywhere = store.list({ group, version, kind: 'ClusterRoleBinding' });
  const here = store
    .list({ group, version, kind: 'RoleBinding' })
    .filter(({ metadata }) => ref.namespace !== '' && metadata.namespace === ref.namespace);
  return [...everywhere, ...here]
    .filter((binding) => subjectsOf(binding).some((subject) => isSubject(subject, user)))
    .flatMap((binding) => roleRules(store, binding));
}

function subjectsOf(binding: KubeObject): Subject[] {
  return (binding['subjects'] as Subject[] | undefined) ?? [];
}

/** Kubernetes: a service account is a user of that name, and of the groups of all accounts and of those of its namespace. */
function isSubject({ kind, name, namespace = '' }: Subject, user: string): boolean {
  if (kind === 'ServiceAccount') return user === `system:serviceaccount:${namespace}:${name}`;
  if (kind === 'User') return user === name;
  const [, , own = ''] = user.split(':');
  return ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${own}`].includes(name);
}

function roleRules(store: Pick<Store, 'find'>, binding: KubeObject): Rule[] {
  const { kind, name } = binding['roleRef'] as { kind: string; name: string };
  if (kind === 'ClusterRole' && name === 'cluster-admin') return clusterAdmin;
  const namespace = kind === 'Role' ? (binding.metadata.namespace ?? '') : '';
  return (store.find({ group, version, kind }, namespace, name)?.['rules'] as Rule[] | undefined) ?? [];
}
