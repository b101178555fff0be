import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Failure } from './attempt.ts';
import type { Gathered } from './gather.ts';
import type { HydrationGroup } from './group.ts';

/** Why nothing of a group may be written: of each Application what is wrong with it, and for the others with whom it is. */
export function failureOf(
  group: Pick<HydrationGroup, 'apps'>,
  gathered: ReadonlyMap<string, Gathered>,
): (Failure & { temporary?: FleetError }) | undefined {
  const errors = group.apps.flatMap(({ id }) => {
    const found = gathered.get(id);
    return found?.type === 'failed' ? [[id, found.error] as const] : [];
  });
  if (errors.length === 0) return undefined;
  const temporary = errors.map(([, error]) => error).find(({ retryable }) => retryable);
  const failures = Object.fromEntries(errors.map(([id, { message }]) => [id, message]));
  return { message: blockedBy(Object.keys(failures)), failures, ...(temporary ? { temporary } : {}) };
}

export function blockedBy([first = '', ...others]: readonly string[]): string {
  const who = others.length === 0 ? `application ${first}` : `application ${first} and ${others.length} more`;
  return `nothing is written, because ${who} of the same branch cannot be: see its own condition`;
}
