import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';

/**
 * Hides the values of two versions of a Secret so that a reader sees which differ and nothing else: equal values get
 * equal masks (Argo CD: eight plus signs, four more for each further value of a key).
 */
export function maskSecrets({ live, desired }: { live?: KubeObject; desired?: KubeObject }): {
  live?: KubeObject;
  desired?: KubeObject;
} {
  const masks = new Map<string, Map<string, string>>();
  const mask = (object: KubeObject) => maskSecret(object, masks);
  return { ...(desired ? { desired: mask(desired) } : {}), ...(live ? { live: mask(live) } : {}) };
}

/** All that a Secret has besides its values. What somebody misspelt holds values as well: `stringdata`. */
const plainFields: readonly string[] = ['apiVersion', 'kind', 'metadata', 'type', 'immutable'];
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function maskSecret(object: KubeObject, masks: Map<string, Map<string, string>>): KubeObject {
  const { stringData, data, ...rest } = object;
  const plain = Object.entries((stringData ?? {}) as Record<string, unknown>).map(
    ([key, value]) => [key, Buffer.from(textOf(value)).toString('base64')] as const,
  );
  const values = { ...(data as Record<string, unknown> | undefined), ...Object.fromEntries(plain) };
  const masked = Object.entries(values).map(([key, value]) => [key, maskOf(masks, key, textOf(value))] as const);
  const fields = Object.entries(rest).map(
    ([name, value]) => [name, plainFields.includes(name) ? value : maskOf(masks, ` ${name}`, textOf(value))] as const,
  );
  const annotations = object.metadata?.annotations;
  const applied = annotations?.[lastApplied];
  const metadata =
    applied === undefined
      ? object.metadata
      : { ...object.metadata, annotations: { ...annotations, [lastApplied]: maskApplied(applied, masks) } };
  const shown = Object.fromEntries(fields) as KubeObject;
  return { ...shown, ...(data || stringData ? { data: Object.fromEntries(masked) } : {}), metadata };
}

/** The Secret as kubectl wrote it beside the one that it became, with the same masks; whole, if it cannot be read as one. */
function maskApplied(text: string, masks: Map<string, Map<string, string>>): string {
  const applied = readApplied(text);
  return applied ? canonicalJson(maskSecret(applied, masks)) : '+'.repeat(8);
}

function readApplied(text: string): KubeObject | undefined {
  try {
    const applied = parseJson(text) as Partial<KubeObject> | null;
    return applied?.kind === 'Secret' ? (applied as KubeObject) : undefined;
  } catch {
    return undefined;
  }
}

/** Secrets hold strings; whatever else somebody wrote there must not show either. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : formatJson(value);
}

function maskOf(masks: Map<string, Map<string, string>>, key: string, value: string): string {
  const seen = masks.get(key) ?? new Map<string, string>();
  masks.set(key, seen);
  const mask = seen.get(value) ?? '+'.repeat(8 + 4 * seen.size);
  seen.set(value, mask);
  return mask;
}
