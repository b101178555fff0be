/**
 * Forgets the revisions and renders of sources that nothing reads any more. Nobody looks at such a source, so what is
 * known of it grows old; whoever comes back to it must begin with its present commit, not run an old one as if it were
 * new. It deletes only what can be derived again, and nothing that is desired follows from what it deletes.
 */
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationChange, Applications } from '../assign/applications.ts';
import { partChanges } from '../hydrate/due.ts';
import { locationText, type SourceLocation } from '../source/location.ts';
import { isWanted, locationOfRead, locationsRead, type WantedDeps } from '../source/wanted.ts';
import type { Derived } from '../store/derived.ts';
import { readBesides } from '../store/reader-index.ts';

export interface ForgetDeps extends WantedDeps {
  logger: Logger;
  applications: Pick<Applications, 'list' | 'bySource' | 'byRequest' | 'onChange'>;
  derived: Pick<
    Derived,
    | 'evaluations'
    | 'revision'
    | 'revisions'
    | 'render'
    | 'renders'
    | 'readersOf'
    | 'deleteRevision'
    | 'deleteRender'
    | 'onChange'
  >;
}

export interface Forget extends Disposable {
  /** Forgets whatever a crash left behind. */
  sweep(): Promise<void>;
}

/** Forgets as soon as the last reader is gone, on every replica: deleting twice does no harm. */
export function createForget(deps: ForgetDeps): Forget {
  const forget = async (requestKeys: Iterable<string>, revisions: Iterable<SourceLocation>) => {
    for (const key of requestKeys)
      if (deps.derived.render(key) && deps.applications.byRequest(key).length === 0)
        await deps.derived.deleteRender(key);
    for (const location of revisions)
      if (deps.derived.revision(location) && !isWanted(location, deps)) await deps.derived.deleteRevision(location);
  };
  const now = (requestKeys: Iterable<string>, revisions: Iterable<SourceLocation>) =>
    void forget(requestKeys, revisions).catch((error: unknown) =>
      deps.logger.warn(
        { err: toFleetError(error) },
        'what nothing reads was not forgotten; the next sweep tries again',
      ),
    );
  const subscriptions = [
    deps.applications.onChange((changes) => now(requestsLeft(changes), sourcesLeft(changes))),
    deps.derived.onChange((change) => {
      if (change.type === 'evaluation' && change.before) now([], change.before.reads.repositories.map(locationOfRead));
      if (change.type === 'render' && change.before) now([], readBesides(change.before.record));
    }),
  ];
  return {
    sweep: async () =>
      await forget(
        deps.derived.renders().map(({ requestKey }) => requestKey),
        deps.derived.revisions(),
      ),
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

function requestsLeft(changes: readonly ApplicationChange[]): Set<string> {
  return new Set(
    partChanges(changes).flatMap(({ before, after }) =>
      before?.request && before.request.key !== after?.request?.key ? before.request.key : [],
    ),
  );
}

function sourcesLeft(changes: readonly ApplicationChange[]): SourceLocation[] {
  const left = new Map<string, SourceLocation>();
  for (const { before, after } of changes) {
    const kept = new Set(locationsRead(after).map(locationText));
    for (const location of locationsRead(before)) {
      const text = locationText(location);
      if (!kept.has(text)) left.set(text, location);
    }
  }
  return [...left.values()];
}
