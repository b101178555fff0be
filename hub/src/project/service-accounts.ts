import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AssignedPolicy } from '@wheelhouse/shared/protocol/document';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';

type Account = NonNullable<AssignedPolicy['actAs']>;

interface Destination {
  server: string;
  /** As the Application writes it; may be ''. */
  namespace: string;
  /** Namespace of the Application itself, whose accounts are meant where its destination names no namespace. */
  own: string;
}

/** Argo CD: whether syncs act as service accounts of the cluster; a setting of `argocd-cm` for all Applications. */
export function isImpersonating(settings: { resource: object } | undefined): boolean {
  const { data = {} } = (settings?.resource ?? {}) as { data?: Record<string, string> };
  return data['application.sync.impersonation.enabled'] === 'true';
}

/**
 * Argo CD: `destinationServiceAccounts`: the first entry that matches server and namespace of the destination names the
 * account, `name` or `namespace:name`. Where none does, nothing may be written.
 */
export function serviceAccountFor({ metadata, spec }: AppProject, destination: Destination): Account {
  const { server, namespace, own } = destination;
  const found = spec.destinationServiceAccounts?.find(
    (item) => matchesGlob(item.server, server) && matchesGlob(item.namespace ?? '', namespace),
  );
  if (!found)
    return noAccount(
      `no matching service account found for destination server ${server} and namespace ${namespace || own}: add one to spec.destinationServiceAccounts of project ${metadata.name}`,
    );
  const account = found.defaultServiceAccount;
  const [name, within] = account.includes(':') ? splitAccount(account) : [account, namespace || own];
  if (isName(name) && isName(within)) return { user: `system:serviceaccount:${within}:${name}` };
  return noAccount(`"${account}" in spec.destinationServiceAccounts of project ${metadata.name} is no service account`);
}

/** Argo CD: the words that the sync fails with. */
export function noAccount(why: string): Account {
  return { problem: `failed to find a matching service account to impersonate: ${why}` };
}

function splitAccount(account: string): [name: string, namespace: string] {
  const at = account.indexOf(':');
  return [account.slice(at + 1), account.slice(0, at)];
}

/** Kubernetes: names of service accounts and of namespaces. It goes into a request header, and is no place for anything else. */
function isName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);
}
