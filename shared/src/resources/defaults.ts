/** Where Argo CD keeps its objects when metadata names no namespace. */
export const controlNamespace = 'argocd';
/** Argo CD: an Application that names no project is in this one, which permits everything until it is changed. */
export const defaultProjectName = 'default';

/** Of an Application, or of the template of a set. */
export function projectNameOf(spec: { project?: string } | undefined): string {
  return spec?.project || defaultProjectName;
}

/** Fills `metadata.namespace`, and an Application's `spec.project`, in place. Takes any object shaped like one of ours. */
export function fillDefaults(resource: Record<string, unknown>): void {
  const { metadata, spec } = resource;
  if (isObject(metadata) && !metadata['namespace']) metadata['namespace'] = controlNamespace;
  if (resource['kind'] === 'Application' && isObject(spec) && !spec['project']) spec['project'] = defaultProjectName;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
