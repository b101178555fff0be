/** How Kubernetes' schemas merge lists and maps, as far as a simulation needs: by field name, for built-in kinds. */

const keyedLists: Record<string, string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  conditions: ['type'],
  ownerReferences: ['uid'],
  webhooks: ['name'],
  resourceClaims: ['name'],
};

const atomicMaps = new Set(['selector', 'nodeSelector', 'matchLabels', 'resourceFieldRef', 'fieldRef']);

export type Merge = { as: 'map' } | { as: 'keyed'; keys: string[] } | { as: 'set' } | { as: 'atomic' };

/** How the value of a field merges; `parent` tells a container's ports from a Service's. */
export function mergeOf(value: unknown, field: string, parent: string): Merge {
  if (value === null || typeof value !== 'object') return { as: 'atomic' };
  if (!Array.isArray(value)) return { as: atomicMaps.has(field) ? 'atomic' : 'map' };
  if (field === 'finalizers') return { as: 'set' };
  if (field === 'ports') return { as: 'keyed', keys: [parent === 'spec' ? 'port' : 'containerPort', 'protocol'] };
  const keys = keyedLists[field];
  return keys && value.every((item) => hasKeys(item, keys)) ? { as: 'keyed', keys } : { as: 'atomic' };
}

/** A list item's key as `fieldsV1` writes it; Kubernetes fills in `protocol: TCP` first. */
export function keyStep(item: unknown, keys: string[]): string {
  const fields = item as Record<string, unknown>;
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, fields[key] ?? defaultKey(key)])))}`;
}

function defaultKey(key: string): unknown {
  return key === 'protocol' ? 'TCP' : undefined;
}

function hasKeys(item: unknown, keys: string[]): boolean {
  return item !== null && typeof item === 'object' && keys.every((key) => key in item);
}
