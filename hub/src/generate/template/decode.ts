import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { type GoMap, isMap, type Value } from './value.ts';

/** Go: `json.Unmarshal` into an empty interface: every number is a float64. */
export function decodeJson(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    throw new Error(text.trim() === '' ? 'unexpected end of JSON input' : `invalid JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Kubernetes' YAML as JSON values. Throws an Error that says where the text is malformed. */
export function decodeYaml(text: string): Value {
  try {
    return toValue(parseYaml(text));
  } catch (error) {
    if (!isFleetError(error)) throw error;
    throw new Error(error.message, { cause: error });
  }
}

/** Any JSON value as a template sees it: integers beyond 2^53 lose precision, as they do in Go's float64. */
export function toValue(value: unknown): Value {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toValue);
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      if (typeof item === 'object' || typeof item === 'bigint') (value as Record<string, unknown>)[key] = toValue(item);
    return value as GoMap;
  }
  return value as Value;
}

/** Go: unmarshals YAML into a map; an empty document is an empty map. */
export function decodeYamlMap(text: string): GoMap {
  const value = decodeYaml(text);
  if (value === undefined || value === null) return {};
  if (isMap(value)) return value;
  throw new Error(`cannot unmarshal ${describe(value)} into Go value of type map[string]interface {}`);
}

export function decodeYamlList(text: string): Value[] {
  const value = decodeYaml(text);
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`cannot unmarshal ${describe(value)} into Go value of type []interface {}`);
}

export function describe(value: Value): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
