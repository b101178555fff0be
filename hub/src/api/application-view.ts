import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { application } from '@wheelhouse/shared/resources/application';
import { controlNamespace, projectNameOf } from '@wheelhouse/shared/resources/defaults';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AccessedResource, Verb } from '../access/access.ts';
import { permit } from './authentication.ts';
import type { ApiDeps, ApplicationView, ObjectKey } from './deps.ts';
import type { ReadResource } from './stored-resource.ts';

/** Argo CD's Application, and what we add to it: where it runs, and how old that news is. */
export const applicationAnswer = application
  .extend({
    fleet: z.object({
      cluster: z.string().exactOptional(),
      observedAt: z.string().exactOptional().describe('When its cluster last reported (RFC 3339)'),
      ageMs: z.number().exactOptional(),
      stale: z.boolean().describe('true: the report is old, so its health must not be counted on'),
      orphans: z
        .object({
          total: z.int(),
          surveyedAt: z.string().exactOptional().describe('When its cluster last looked (RFC 3339)'),
          problem: z.string().exactOptional().describe('Why there may be others'),
        })
        .exactOptional()
        .describe('Resources in its namespace that belong to no Application; where its project asks for them'),
    }),
  })
  .meta({ id: 'ApplicationView' });

export type ApplicationAnswer = z.infer<typeof applicationAnswer>;

export function formatApplication({ application, orphans, ...fleet }: ApplicationView): ApplicationAnswer {
  if (!orphans) return { ...application, fleet };
  const { items: _items, ...counted } = orphans;
  return { ...application, fleet: { ...fleet, orphans: counted } };
}

export function getApplication(deps: ApiDeps, { namespace, name }: ObjectKey): ApplicationView {
  const view = deps.applications.find(namespace, name);
  if (!view) throw new FleetError('NotFound', `Application ${namespace}/${name} does not exist`);
  return view;
}

/** An Application, for a caller who may do this with it; `by` is their name. Throws as permitReading, and NotFound. */
export function permitApplication(
  request: FastifyRequest,
  deps: ApiDeps,
  { key, verb }: { key: ObjectKey; verb: Verb },
): { view: ApplicationView; by: string } {
  permitReading(request, deps, key);
  const view = getApplication(deps, key);
  return { view, by: permit(request, verb, accessOf(view.application)) };
}

/**
 * To be asked before anything is said of whether an Application is there: whoever may not read it, or all of them where there is
 * none, is told the same of one that is there and of one that is not.
 */
export function permitReading(request: FastifyRequest, deps: ApiDeps, { namespace, name }: ObjectKey): void {
  const found = findAny(deps, { namespace, name });
  try {
    permit(request, 'get', found ? accessOf(found) : { kind: 'applications', name: '*' });
  } catch (cause) {
    if (!isFleetError(cause, 'Forbidden')) throw cause;
    const { name: who = 'anonymous' } = request.principal ?? {};
    const which = `${namespace}/${name}`;
    throw new FleetError('Forbidden', `${who} may not get Application ${which}, whether it exists or not`, { cause });
  }
}

/**
 * To be asked before an Application's name is taken. That it is taken cannot be hidden from whoever may create; whose it is and what
 * it holds can, and whoever may not create is told the same as of a free name.
 */
export function permitTaking(request: FastifyRequest, deps: ApiDeps, read: ReadResource): void {
  const { resource, namespace, name } = read;
  if (resource.kind !== 'Application' || !findAny(deps, { namespace, name })) return;
  try {
    permitReading(request, deps, read);
  } catch (cause) {
    permit(request, 'create', accessOf(resource));
    throw cause;
  }
}

/** An Application, also one that was written a moment ago and is not shown yet. */
function findAny(deps: ApiDeps, { namespace, name }: ObjectKey): Parameters<typeof accessOf>[0] | undefined {
  return (
    deps.applications.find(namespace, name)?.application ?? deps.specs.find('Application', namespace, name)?.resource
  );
}

/** Argo CD: `<project>/<name>`, or `<project>/<namespace>/<name>` outside the control namespace. */
export function accessOf(object: {
  metadata: { name?: string; namespace?: string };
  spec?: unknown;
}): AccessedResource {
  const { name = '', namespace = controlNamespace } = object.metadata;
  const project = projectNameOf(object.spec as { project?: string } | undefined);
  const path = namespace === controlNamespace ? [project, name] : [project, namespace, name];
  return { kind: 'applications', name: path.join('/') };
}
