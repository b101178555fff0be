import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Application, application as schema } from '@wheelhouse/shared/resources/application';
import { checkAgainst } from '@wheelhouse/shared/resources/check';

export interface CheckedApplication {
  application: Application;
  /** Fields that a template set but Argo CD does not know; they are left out. */
  warnings: string[];
}

type Path = readonly PropertyKey[];

/** The strict schema's judgement on a generated Application. Throws a FleetError Invalid with the first problems. */
export function checkApplication(candidate: Application): CheckedApplication {
  const { error } = schema.safeParse(candidate);
  if (error === undefined) return asChecked(candidate);
  const { value, unknownFields, problems } = checkAgainst(schema, candidate);
  if (problems.length > 0) throw new FleetError('Invalid', problems.slice(0, 3).join('; '));
  for (const issue of schema.safeParse(value).error?.issues ?? [])
    if (issue.code === 'unrecognized_keys') dropKeys(value, issue.path, issue.keys);
  return { application: value as Application, warnings: unknownFields };
}

/**
 * Whether every Application rendered from these templates fits the schema because the templates themselves do: rendering
 * changes texts only, and where the schema takes `{{.x}}` it takes any text.
 */
export function acceptsAnyText(template: Application): boolean {
  return schema.safeParse(template).success;
}

export function asChecked(application: Application): CheckedApplication {
  return { application, warnings: none };
}

const none: string[] = [];

function dropKeys(value: unknown, path: Path, keys: string[]): void {
  const holder = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
  for (const key of keys) delete (holder as Record<string, unknown>)[key];
}
