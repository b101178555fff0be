import type { z } from 'zod';
import { FleetError } from '../errors/fleet-error.ts';

export interface ConfigSource {
  /** The process's environment, read once. */
  env: Record<string, string | undefined>;
  /** Values from flags or a caller; they win over the environment. Keys are the schema's. */
  overrides?: Record<string, unknown>;
}

/**
 * Reads `WHEELHOUSE_*` variables into a frozen object: `WHEELHOUSE_NATS_URL` is the field `natsUrl`.
 * A `WHEELHOUSE_*` variable that no field stands for is an error, so that a typing mistake is not silently ignored;
 * `others` names variables that belong to other processes.
 */
export function readConfig<S extends z.ZodObject>(
  schema: S,
  source: ConfigSource,
  others: readonly string[] = [],
): Readonly<z.infer<S>> {
  const known = new Map(Object.keys(schema.shape).map((field) => [formatVariable(field), field]));
  const values: Record<string, unknown> = {};
  for (const [variable, value] of settingsOf(source.env)) {
    const field = known.get(variable);
    if (field !== undefined) values[field] = value;
    else if (!others.includes(variable)) throw unknownSetting(variable, [...known.keys()]);
  }
  for (const [field, value] of Object.entries(source.overrides ?? {})) if (value !== undefined) values[field] = value;
  const parsed = schema.safeParse(values);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => `${formatVariable(String(path[0]))}: ${message}`);
  throw new FleetError('Invalid', `configuration: ${problems.join('; ')}`);
}

function settingsOf(env: ConfigSource['env']): [variable: string, value: string][] {
  return Object.entries(env).flatMap(([variable, value]) =>
    variable.startsWith('WHEELHOUSE_') && value ? [[variable, value]] : [],
  );
}

function unknownSetting(variable: string, known: string[]): FleetError {
  return new FleetError('Invalid', `${variable} is not a setting of this process; known: ${known.sort().join(', ')}`);
}

function formatVariable(field: string): string {
  return `WHEELHOUSE_${field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
