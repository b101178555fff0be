import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import { compilePathMatch, type Glob } from '@wheelhouse/shared/glob/path-match';
import type { GroupKind, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { OrphanPolicy } from '@wheelhouse/shared/protocol/orphans';
import type { ApiResource } from '../cluster/cluster.ts';

/** What of a namespace counts as an orphan for one project, if it belongs to nobody. */
export interface OrphanRules {
  kind(kind: GroupKind): boolean;
  object(ref: Omit<ObjectRef, 'version'>): boolean;
}

/** Argo CD: an ignore rule without a kind or a name means any, one without a group the core group. */
export function compileRules({ ignore, permitted, denied }: OrphanPolicy): OrphanRules {
  const isPermitted = permitted ? compileKinds(permitted) : () => true;
  const isDenied = compileKinds(denied);
  const isIgnored = ({ group, kind, name }: Omit<ObjectRef, 'version'>) =>
    ignore.some(
      (rule) =>
        (!rule.kind || matchesGlob(rule.kind, kind)) &&
        matchesGlob(rule.group ?? '', group) &&
        (!rule.name || matchesGlob(rule.name, name)),
    );
  return {
    kind: (kind) => isPermitted(kind) && !isDenied(kind),
    object: (ref) => !isEverywhere(ref) && !isIgnored(ref),
  };
}

function compileKinds(kinds: readonly GroupKind[]): (kind: GroupKind) => boolean {
  const nothing: Glob = () => false;
  const compiled = kinds.map(({ group, kind }) => ({
    group: compilePathMatch(group) ?? nothing,
    kind: compilePathMatch(kind) ?? nothing,
  }));
  return ({ group, kind }) => compiled.some((one) => one.group(group) && one.kind(kind));
}

/** Argo CD: what Kubernetes itself puts into namespaces. */
function isEverywhere({ group, kind, namespace, name }: Omit<ObjectRef, 'version'>): boolean {
  if (group !== '') return false;
  if (kind === 'Service') return namespace === 'default' && name === 'kubernetes';
  return (kind === 'ServiceAccount' && name === 'default') || (kind === 'ConfigMap' && name === 'kube-root-ca.crt');
}

const reports = [
  'PolicyReport',
  'EphemeralReport',
  'AdmissionReport',
  'BackgroundScanReport',
  'UpdateRequest',
] as const;

/** Argo CD: the kinds that it never looks at, or not unless told: controllers make them, and nobody writes them down. */
const madeByControllers: Readonly<Record<string, readonly string[]>> = {
  '': ['Endpoints', 'Event'],
  'events.k8s.io': ['*'],
  'metrics.k8s.io': ['*'],
  'discovery.k8s.io': ['EndpointSlice'],
  'coordination.k8s.io': ['Lease'],
  'authorization.k8s.io': ['*'],
  'cert-manager.io': ['CertificateRequest'],
  'cilium.io': ['CiliumEndpoint'],
  'kyverno.io': reports,
  'reports.kyverno.io': reports,
  'wgpolicyk8s.io': reports,
};

/** Of everything that is served: one version of each kind that can be listed in a namespace; the first is the preferred one. */
export function surveyedKinds(resources: readonly ApiResource[]): ApiResource[] {
  const chosen = new Map<string, ApiResource>();
  for (const resource of resources) {
    const { group, kind, namespaced, verbs } = resource;
    const key = `${group}/${kind}`;
    if (!namespaced || !verbs.includes('list') || chosen.has(key)) continue;
    const others = madeByControllers[group] ?? [];
    if (!others.includes('*') && !others.includes(kind)) chosen.set(key, resource);
  }
  return [...chosen.values()];
}
