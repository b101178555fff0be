/**
 * Forgets the revisions and renders of sources that nothing reads any more. Nobody looks at such a source, so what is
 * known of it grows old; whoever comes back to it must begin with its present commit, not run an old one as if it were
 * new. It deletes only what can be derived again, and nothing that is desired follows from what it deletes.
 */
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationChange, Applications } from '../assign/applications.ts';
import { isSameRevision, isWanted, type RevisionName, revisionRead, type WantedDeps } from '../source/wanted.ts';
import type { Derived } from '../store/derived.ts';

export interface ForgetDeps extends WantedDeps {
  logger: Logger;
  applications: Pick<Applications, 'list' | 'bySource' | 'byRequest' | 'onChange'>;
  derived: Pick<
    Derived,
    'evaluations' | 'revision' | 'revisions' | 'render' | 'renders' | 'deleteRevision' | 'deleteRender' | 'onChange'
  >;
}

export interface Forget extends Disposable {
  /** Forgets whatever a crash left behind. */
  sweep(): Promise<void>;
}

/** Forgets as soon as the last reader is gone, on every replica: deleting twice does no harm. */
export function createForget(deps: ForgetDeps): Forget {
  const forget = async (requestKeys: Iterable<string>, revisions: Iterable<RevisionName>) => {
    for (const key of requestKeys)
      if (deps.derived.render(key) && deps.applications.byRequest(key).length === 0)
        await deps.derived.deleteRender(key);
    for (const { repoURL, revision } of revisions)
      if (deps.derived.revision(repoURL, revision) && !isWanted({ repoURL, revision }, deps))
        await deps.derived.deleteRevision(repoURL, revision);
  };
  const now = (requestKeys: Iterable<string>, revisions: Iterable<RevisionName>) =>
    void forget(requestKeys, revisions).catch((error: unknown) =>
      deps.logger.warn(
        { err: toFleetError(error) },
        'what nothing reads was not forgotten; the next sweep tries again',
      ),
    );
  const subscriptions = [
    deps.applications.onChange((changes) => now(requestsLeft(changes), sourcesLeft(changes))),
    deps.derived.onChange((change) => {
      if (change.type === 'evaluation' && change.before) now([], change.before.reads.repositories);
    }),
  ];
  return {
    sweep: async () =>
      await forget(
        deps.derived.renders().map(({ requestKey }) => requestKey),
        deps.derived.revisions().map(({ repoURL, targetRevision }) => ({ repoURL, revision: targetRevision })),
      ),
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

function requestsLeft(changes: readonly ApplicationChange[]): Set<string> {
  return new Set(
    changes.flatMap(({ before, after }) =>
      before?.request && before.request.key !== after?.request?.key ? before.request.key : [],
    ),
  );
}

function sourcesLeft(changes: readonly ApplicationChange[]): RevisionName[] {
  const left = new Map<string, RevisionName>();
  for (const { before, after } of changes) {
    const source = revisionRead(before);
    if (source && !isSameRevision(source, revisionRead(after)))
      left.set(`${source.repoURL}\n${source.revision}`, source);
  }
  return [...left.values()];
}
