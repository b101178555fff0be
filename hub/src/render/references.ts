import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { locationOf } from '../source/location.ts';
import { type Collection, createCollection } from './collection.ts';
import type { OpenSource } from './request.ts';

/** Argo CD: other sources of the Application, whose files value files may name as `$ref/path`. */
export interface References {
  /** What is collected of the source with this `ref`; undefined when there is none. */
  find(ref: string): Collection | undefined;
  names(): string[];
  /** What was asked for, each once. */
  used(): Collection[];
}

/** Throws Invalid for a name that cannot stand in a path, one given twice, or one given to a chart. */
export function checkReferences(sources: readonly ApplicationSource[]): void {
  const seen = new Set<string>();
  for (const { ref, repoURL, chart } of sources) {
    if (!ref) continue;
    if (!/^[\w-]+$/u.test(ref))
      throw new FleetError(
        'Invalid',
        `source ${repoURL}: ref ${ref} has other characters than letters, digits, _ and -`,
      );
    if (chart)
      throw new FleetError('Invalid', `source ${repoURL}: a chart cannot have a ref (${ref}): only repositories`);
    if (seen.has(ref)) throw new FleetError('Invalid', `two sources have the ref ${ref}: give each its own`);
    seen.add(ref);
  }
}

/** The sources' references must have been checked. */
export function createReferences(sources: readonly OpenSource[]): References {
  const byName = new Map(sources.flatMap((open) => (open.source.ref ? [[open.source.ref, open] as const] : [])));
  const used = new Map<string, Collection>();
  return {
    find: (ref) => {
      const known = used.get(ref);
      const open = byName.get(ref);
      if (known || !open) return known;
      const collection = createCollection(open.snapshot, { folder: `$${ref}`, from: locationOf(open.source) });
      used.set(ref, collection);
      return collection;
    },
    names: () => [...byName.keys()],
    used: () => [...used.values()],
  };
}
