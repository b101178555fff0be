import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { IndexedApplication } from '../assign/applications.ts';
import { openPermitted } from '../render/permitted.ts';
import type { Renderer } from '../render/render.ts';
import { openLocations, type RenderDeps } from '../render/render-stage.ts';
import { locationOf } from '../source/location.ts';
import type { Derived, RenderOutcome } from '../store/derived.ts';

export interface SettledDeps extends Pick<RenderDeps, 'open'> {
  derived: Pick<Derived, 'revision' | 'render'>;
  resolveLocation: RenderDeps['resolve'];
  /** Whether a render would read the same in what is fetched now. */
  stillValid: Renderer['stillValid'];
}

/**
 * Why what Git gives these Applications is not complete: a commit that was not rendered for all of them yet. Renders
 * arrive one by one; a rollout that began with the first would take a later step's change before an earlier one's.
 */
export async function whyNotSettled(
  apps: readonly (IndexedApplication & { pinned: boolean })[],
  deps: SettledDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  using opened = openLocations({ derived: deps.derived, open: deps.open, resolve: deps.resolveLocation });
  // one that has a problem renders nothing, and says so itself
  const sound = apps.filter(({ problem }) => !problem);
  const requests = new Map(sound.map((app) => [app.request?.key ?? app.id, app]));
  for (const app of requests.values()) {
    const outcome = app.request && deps.derived.render(app.request.key);
    const reason = whyNotRendered(app, outcome, deps.derived);
    if (reason !== undefined) return reason;
    if (!outcome?.record) continue;
    const asking = sound.filter(({ request }) => request?.key === app.request?.key);
    const open = openPermitted(opened.open, app.sources, () => asking);
    if (!(await deps.stillValid(outcome.record, open, signal).catch(isRefused)))
      return `${app.id} is not rendered at the newest revision yet`;
  }
  return undefined;
}

/** What its project does not permit to be read is not looked at: it is given nothing new, and says so itself. */
function isRefused(error: unknown): true {
  if (isFleetError(error, 'NotPermitted')) return true;
  throw error;
}

function whyNotRendered(
  { id, sources, pinned }: IndexedApplication & { pinned: boolean },
  outcome: RenderOutcome | undefined,
  derived: Pick<Derived, 'revision'>,
): string | undefined {
  const unresolved = sources.find((source) => !derived.revision(locationOf(source))?.sha);
  if (unresolved) return `${id}: revision '${unresolved.targetRevision ?? ''}' was not resolved yet`;
  if (!outcome) return `${id} is not rendered yet`;
  // one that runs nothing and was never rendered well has nothing to roll out, and its problem is shown on itself
  if (!outcome.problem || !(outcome.record || pinned)) return undefined;
  return `${id} cannot be rendered: ${outcome.problem.message}`;
}
