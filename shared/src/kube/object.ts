/** Any Kubernetes object as JSON. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
  [field: string]: unknown;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: Record<string, unknown>;
  [field: string]: unknown;
}

/** Names one object of a cluster. `namespace` is '' for cluster-scoped objects. */
export interface ObjectRef {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
}

export interface GroupKind {
  group: string;
  kind: string;
}

/** Splits `apps/v1` into group and version; the core group is ''. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function refOf(object: KubeObject): ObjectRef {
  const { metadata } = object;
  return {
    ...parseApiVersion(object.apiVersion),
    kind: object.kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? metadata.generateName ?? '',
  };
}

/** The identity of an object across API versions: `group/Kind:namespace/name`, as in Argo CD's tracking id. */
export function formatRef(ref: Omit<ObjectRef, 'version'>): string {
  return `${ref.group}/${ref.kind}:${ref.namespace}/${ref.name}`;
}

/** Argo CD: resource tracking by annotation, `<app>:<group>/<kind>:<namespace>/<name>`. */
export const trackingAnnotation = 'argocd.argoproj.io/tracking-id';

export function formatTrackingId(app: string, ref: Omit<ObjectRef, 'version'>): string {
  return `${app}:${formatRef(ref)}`;
}
