import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Failure } from './attempt.ts';
import type { Gathered } from './gather.ts';
import type { HydrationGroup } from './group.ts';

/** Why nothing of a group may be written: of each Application what is wrong with it, and for the others with whom it is. */
export function failureOf(
  group: Pick<HydrationGroup, 'apps'>,
  gathered: ReadonlyMap<string, Gathered>,
  shared: ReadonlyMap<string, string>,
): (Failure & { temporary?: FleetError }) | undefined {
  const errors = new Map(
    [...gathered].flatMap(([id, found]) => (found.type === 'failed' ? [[id, found.error] as const] : [])),
  );
  const said = group.apps.flatMap(({ id }) => {
    const message = shared.get(id) ?? errors.get(id)?.message;
    return message === undefined ? [] : [[id, message] as const];
  });
  if (said.length === 0) return undefined;
  const temporary = [...errors.values()].find(({ retryable }) => retryable);
  const failures = Object.fromEntries(said);
  return { message: blockedBy(Object.keys(failures)), failures, ...(temporary ? { temporary } : {}) };
}

export function blockedBy([first = '', ...others]: readonly string[]): string {
  const who = others.length === 0 ? `application ${first}` : `application ${first} and ${others.length} more`;
  return `nothing is written, because ${who} of the same branch cannot be: see its own condition`;
}
