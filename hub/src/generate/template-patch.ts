import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { decodeJson, decodeYaml, describe } from './template/decode.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Argo CD: applies a rendered `templatePatch` (YAML or JSON) as a strategic merge patch and returns a new object. Maps
 * merge, null removes, lists are replaced, finalizers are added to. `spec.project` stays as it was.
 */
export function applyTemplatePatch<A extends object>(application: A, patch: string): A {
  const merged = mergePatch(application as Fields, parsePatch(patch), '');
  const project = (application as { spec?: Fields }).spec?.['project'];
  const { project: _, ...spec } = (merged['spec'] ?? {}) as Fields;
  return { ...merged, spec: project === undefined ? spec : { ...spec, project } } as A;
}

function parsePatch(text: string): Fields {
  let value: unknown;
  try {
    value = text.trim().startsWith('{') ? decodeJson(text) : decodeYaml(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FleetError('TemplateFailed', `spec.templatePatch: ${message}`, { cause: error });
  }
  if (value === null || value === undefined) return {};
  if (isFields(value)) return value;
  const kind = typeof value === 'string' ? 'text' : describe(value as never);
  throw new FleetError('TemplateFailed', `spec.templatePatch: must render to an object, is ${kind}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Kubernetes: lists that a strategic merge patch adds to. */
const addedLists: ReadonlySet<string> = new Set(['.metadata.finalizers']);

function mergePatch(target: Fields, patch: Fields, path: string): Record<string, unknown> {
  const { $patch: directive, ...fields } = patch;
  if (directive === 'replace') return fields;
  if (directive === 'delete') return {};
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(fields)) {
    const at = `${path}.${key}`;
    if (value === null) delete merged[key];
    else if (isFields(value)) merged[key] = mergePatch(isFields(merged[key]) ? merged[key] : {}, value, at);
    else if (Array.isArray(value) && addedLists.has(at)) merged[key] = union(merged[key], value);
    else merged[key] = value;
  }
  return merged;
}

function union(known: unknown, added: unknown[]): unknown[] {
  return [...new Set([...(Array.isArray(known) ? (known as unknown[]) : []), ...added])];
}
