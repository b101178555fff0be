import { z } from 'zod';
import { closestTo } from './spelling.ts';

export interface Findings {
  /** The value without nulls in typed places. Kubernetes: a null there means absent. */
  value: unknown;
  /** One sentence for each field that the schema does not know, with its path. */
  unknownFields: string[];
  /** One sentence for each value that the schema refuses, with its path. */
  problems: string[];
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** Compares a value with a schema that transforms nothing. Never throws, never changes the value given. */
export function checkAgainst(schema: z.ZodType, value: unknown): Findings {
  const copy: unknown = structuredClone(value);
  const first = issuesOf(schema, copy);
  const nulls = first.filter((issue) => issue.path.length > 0 && valueAt(copy, issue.path) === null);
  for (const { path } of nulls) dropAt(copy, path);
  const issues = nulls.length === 0 ? first : issuesOf(schema, copy);
  return {
    value: copy,
    unknownFields: issues.flatMap((issue) => describeUnknown(schema, issue)),
    problems: issues
      .filter((issue) => issue.code !== 'unrecognized_keys')
      .map((issue) => `${formatPath(issue.path)}: ${describeProblem(issue, valueAt(copy, issue.path))}`),
  };
}

function issuesOf(schema: z.ZodType, value: unknown): Issue[] {
  return schema.safeParse(value).error?.issues ?? [];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

function dropAt(value: unknown, path: Path): void {
  const parent = valueAt(value, path.slice(0, -1));
  const key = path.at(-1);
  if (key !== undefined && !Array.isArray(parent)) delete (parent as Record<PropertyKey, unknown>)[key];
}

function describeUnknown(schema: z.ZodType, issue: Issue): string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const known = fieldsAt(schema, issue.path);
  return issue.keys.map((key) => {
    const near = closestTo(key, known);
    const hint = near === undefined ? '' : `, did you mean "${near}"?`;
    return `${formatPath([...issue.path, key])}: unknown field${hint}`;
  });
}

/** Names of the fields that an object at this path may have. */
function fieldsAt(schema: z.ZodType, path: Path): string[] {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of path) at = at && childOf(unwrap(at), key);
  const found = at && unwrap(at);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodExactOptional ? unwrap(schema.unwrap()) : schema;
}

function childOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodObject ? schema.shape[String(key)] : undefined;
}

function describeProblem(issue: Issue, value: unknown): string {
  if (value === undefined) return 'required';
  if (issue.code === 'invalid_type') return describeType(issue.expected, value);
  if (issue.code === 'invalid_union') return `must be an integer or text, is ${typeName(value)}`;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((allowed) => `"${String(allowed)}"`).join(' or ')}`;
  if (issue.code === 'too_small') return 'must not be empty';
  return issue.message.toLowerCase();
}

function describeType(expected: string, value: unknown): string {
  const wanted = expected === 'string' ? 'text' : (typeNames[expected] ?? expected);
  const quoted = expected === 'string' && ['number', 'bigint', 'boolean'].includes(typeof value);
  return `must be ${wanted}, is ${typeName(value)}${quoted ? '; put it in quotes' : ''}`;
}

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'an integer',
  bigint: 'a number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  return typeNames[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
}

/** `spec.sources[0].helm`, with keys that hold dots in quotes: `data["policy.csv"]`. */
function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (!/^[\w-]+$/.test(name)) return `${text}["${name}"]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
