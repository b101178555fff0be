import type { ApplicationChange, IndexedApplication } from '../assign/applications.ts';
import type { Trigger } from '../queue/queue.ts';
import { renderedParts } from './describe-hydration.ts';
import { hydrateAnnotation } from './group.ts';

/** Jobs of the branches that these parts of Applications are rendered for; what is deployed from a branch is not. */
export function hydrateTriggers(parts: readonly IndexedApplication[], traceparent?: string): Trigger[] {
  const keys = new Set(parts.flatMap(({ writtenTo }) => writtenTo ?? []));
  return [...keys].map((key) => ({ key, traceparent }));
}

/** What an Application is written to now, and what it was written to. */
export function branchesChanged(changes: readonly ApplicationChange[]): Trigger[] {
  const keys = changes.flatMap(({ before, after }) =>
    [before, after].flatMap((app) => app?.hydration?.branchKey ?? []),
  );
  return [...new Set(keys)].map((key) => ({ key }));
}

/** Every branch that is written to, or of which anything is kept. */
export function allBranches(apps: Iterable<IndexedApplication>, kept: readonly string[]): Trigger[] {
  const keys = new Set(kept);
  for (const { hydration } of apps) if (hydration) keys.add(hydration.branchKey);
  return [...keys].map((key) => ({ key }));
}

/** Changes of Applications as renders see them: of one with a hydrator, those of both of its parts. */
export function partChanges(changes: readonly ApplicationChange[]): ApplicationChange[] {
  return changes.flatMap(({ before, after }) => {
    const whole = { before, after };
    const [dryBefore, dryAfter] = [before?.hydration?.dry, after?.hydration?.dry];
    return dryBefore || dryAfter ? [whole, { before: dryBefore, after: dryAfter }] : [whole];
  });
}

/** Repositories to be looked at because somebody asks for it by the annotation `hydrate`. */
export function repositoriesAsked(changes: readonly ApplicationChange[]): string[] {
  return changes.flatMap(({ before, after }) => {
    const [was, is] = [before, after].map((app) => app?.application.metadata.annotations?.[hydrateAnnotation]);
    if (!after?.hydration || !is || is === was) return [];
    return renderedParts(after).flatMap(({ sources }) => sources.map(({ repoURL }) => repoURL));
  });
}
