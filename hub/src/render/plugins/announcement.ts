import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { flag, text, textMap, texts } from '@wheelhouse/shared/resources/fields';
import { z } from 'zod';

const fields = {
  name: z.string(),
  title: text,
  tooltip: text,
  required: flag,
  itemType: text,
  collectionType: z.enum(['', 'string', 'array', 'map']).exactOptional(),
  string: text,
  array: texts,
  map: textMap,
};

/** Argo CD: ParameterAnnouncement: a parameter that a plugin says it has, with its default. A definition must not misspell anything of it. */
export const announcement = z.strictObject(fields);
export type Announcement = z.infer<typeof announcement>;

/** What a command prints may say more than is known here, as in Argo CD. */
const printed = z.array(z.object({ ...fields, name: z.string().default('') })).nullable();

/** Reads what `parameters.dynamic` printed: a JSON list; `null` is an empty one, also in the place of a field. Throws RenderFailed, naming `what`. */
export function parseAnnouncements(json: string, what: string): Announcement[] {
  let value: unknown;
  try {
    value = JSON.parse(json, (_key, field: unknown) => field ?? undefined) as unknown;
  } catch (cause) {
    throw new FleetError('RenderFailed', `${what} printed no JSON: let it print a list of announcements`, { cause });
  }
  const parsed = printed.safeParse(value ?? null);
  if (parsed.success) return parsed.data ?? [];
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') || 'the whole';
  throw new FleetError('RenderFailed', `${what} printed no list of announcements: ${where}: ${issue?.message}`);
}
