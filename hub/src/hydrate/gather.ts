import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { whyReadNotPermitted } from '../assign/resolve.ts';
import type { Trigger } from '../queue/queue.ts';
import { openPermitted } from '../render/permitted.ts';
import type { OpenLocation, Renderer } from '../render/render.ts';
import type { Derived, Problem, RenderOutcome } from '../store/derived.ts';
import type { HydratedIndexed } from './group.ts';

export interface GatherDeps {
  derived: Pick<Derived, 'render'>;
  renderer: Pick<Renderer, 'stillValid'>;
  /** Renders a request and records the outcome, as the stage does. */
  render(trigger: Trigger, signal: AbortSignal): Promise<void>;
}

/** What the dry source of one Application comes to at the commit that is known of it. */
export type Gathered =
  | { type: 'bundle'; digest: string; holdsRevision: boolean }
  | { type: 'failed'; error: FleetError }
  /** Nobody looked yet what lies there: whoever does makes it due again. */
  | { type: 'waiting' };

/** `open` opens every location at the commit that is known of it. Throws when stopped. */
export async function gather(
  { hydration }: HydratedIndexed,
  { open: openAny, traceparent, ...deps }: GatherDeps & { open: OpenLocation; traceparent: string | undefined },
  signal: AbortSignal,
): Promise<Gathered> {
  const { request, sources } = hydration.dry;
  const open = openPermitted(openAny, sources, () => [hydration.dry]);
  if (!request) return { type: 'waiting' };
  try {
    const known = await find(request.key, deps, { open, signal });
    if (known?.isValid) return judge(hydration, known);
    await deps.render({ key: request.key, traceparent }, signal);
    return judge(hydration, await find(request.key, deps, { open, signal }));
  } catch (error) {
    if (signal.aborted) throw error;
    return { type: 'failed', error: toFleetError(error, 'RenderFailed') };
  }
}

interface Found extends RenderOutcome {
  /** It is what a render of the commit that is known now would give. */
  isValid: boolean;
}

async function find(
  requestKey: string,
  { derived, renderer }: GatherDeps,
  { open, signal }: { open: OpenLocation; signal: AbortSignal },
): Promise<Found | undefined> {
  const outcome = derived.render(requestKey);
  if (!outcome) return undefined;
  const { record, problem } = outcome;
  return { ...outcome, isValid: !problem && record !== undefined && (await renderer.stillValid(record, open, signal)) };
}

/** Others share the render: what this one's project does not permit is refused here. */
function judge({ dry }: HydratedIndexed['hydration'], found: Found | undefined): Gathered {
  if (found?.problem) return failed(found.problem);
  if (!found?.isValid || !found.record) return { type: 'waiting' };
  const { application, project } = dry;
  const refused = project && whyReadNotPermitted(application, found, project);
  if (refused) return failed(refused);
  if (found.holdsSecrets) return failed({ code: 'RawSecretRefused', message: holdsSecrets(application.metadata.name) });
  const { digest, parts } = found.record;
  return { type: 'bundle', digest, holdsRevision: parts.some(({ revision }) => revision !== undefined) };
}

function failed({ code, message }: Problem): Gathered {
  return { type: 'failed', error: new FleetError(code as FleetError['code'], message, { retryable: false }) };
}

function holdsSecrets(name: string): string {
  return `application ${name}: its manifests hold Secrets with their data, which are never written to Git, whatever its project allows: use a SealedSecret or an ExternalSecret`;
}
