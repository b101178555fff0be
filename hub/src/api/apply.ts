import { setImmediate } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { FastifyError, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AccessedResource } from '../access/access.ts';
import { accessOf, permitReading, permitTaking } from './application-view.ts';
import { permit } from './authentication.ts';
import type { ApiDeps } from './deps.ts';
import { toApiError } from './errors.ts';
import {
  findSpec,
  isUnchanged,
  type ReadResource,
  readResource,
  refuseDeleting,
  refuseGenerated,
  writeSpec,
} from './stored-resource.ts';
import { readObjects, type YamlDocument } from './yaml-documents.ts';

export type ApplyVerb = 'apply' | 'delete';

/** The answer about one object. */
export const applyResult = z
  .object({
    line: z.number().int().describe('Where its document begins, from 1'),
    kind: z.string().exactOptional(),
    namespace: z.string().exactOptional(),
    name: z.string().exactOptional(),
    result: z.enum(['created', 'configured', 'unchanged', 'deleted', 'error']),
    warnings: z.array(z.string()),
    error: z
      .object({ reason: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()) })
      .exactOptional(),
  })
  .meta({ id: 'ApplyResult' });

export type Applied = z.infer<typeof applyResult>;

export interface ApplyOptions {
  verb: ApplyVerb;
  dryRun: boolean;
  /** Whose access counts. */
  request: FastifyRequest;
}

/** Applies or deletes what a document holds. Never throws: what is wrong with an object is its answer. */
export async function applyDocument(deps: ApiDeps, document: YamlDocument, options: ApplyOptions): Promise<Applied[]> {
  const { line } = document;
  const answerFailure = (object: unknown) => (error: unknown) => [
    { line, ...identify(object), ...formatFailure(error, options.request) },
  ];
  let objects: unknown[];
  try {
    objects = readObjects(document);
  } catch (error) {
    return answerFailure(undefined)(error);
  }
  const act = options.verb === 'apply' ? applyObject : deleteObject;
  const results: Applied[] = [];
  for (const object of objects) {
    // so that a long List does not hold up other requests
    await setImmediate();
    results.push(
      ...(await act(deps, { object, yaml: objects.length === 1 ? document.text : undefined }, options).then(
        (outcome) => [{ line, ...outcome }],
        answerFailure(object),
      )),
    );
  }
  return results;
}

type Outcome = Omit<Applied, 'line'>;

interface Given {
  object: unknown;
  /** The document, where it held this object alone. */
  yaml: string | undefined;
}

async function applyObject(
  deps: ApiDeps,
  { object, yaml }: Given,
  { dryRun, request }: ApplyOptions,
): Promise<Outcome> {
  const read = readResource(object);
  const { resource, namespace, name, warnings } = read;
  permitTaking(request, deps, read);
  const existing = deps.specs.find(resource.kind, namespace, name);
  // it may belong to a project that the caller may not touch
  if (existing) permit(request, 'update', accessedBy({ ...read, resource: existing.resource }));
  const by = permit(request, existing ? 'update' : 'create', accessedBy(read));
  const answer = { kind: resource.kind, namespace, name, warnings };
  refuseDeleting(existing);
  if (existing && isUnchanged(existing, resource)) return { ...answer, result: 'unchanged' };
  if (resource.kind === 'Application') refuseGenerated(deps, read);
  const text = keptText(resource.kind, yaml);
  if (!dryRun) await writeSpec(deps, read, { by, ...text, ...(existing ? { existing } : { expectedRevision: 0 }) });
  return { ...answer, result: existing ? 'configured' : 'created' };
}

/** What was written is kept with its comments; not so of a Secret, from which credentials may have been left out. */
function keptText(kind: string, yaml: string | undefined): { yaml?: string } {
  return kind === 'Secret' || yaml === undefined ? {} : { yaml: yaml.replace(/^---.*\n/, '') };
}

/** Kubernetes: only kind, name and namespace of what is to be deleted matter. */
async function deleteObject(deps: ApiDeps, { object }: Given, { dryRun, request }: ApplyOptions): Promise<Outcome> {
  const { kind, name, namespace = controlNamespace } = identify(object);
  if (!kind || !name) throw new FleetError('Invalid', 'kind and metadata.name are required to delete an object');
  if (kind === 'Application') {
    permitReading(request, deps, { namespace, name });
    refuseGenerated(deps, { namespace, name });
  }
  const { resource } = findSpec(deps, kind, { namespace, name });
  const by = permit(request, 'delete', accessedBy({ resource, namespace, name, warnings: [] }));
  const answer = { kind, namespace, name, warnings: [], result: 'deleted' as const };
  if (dryRun) return answer;
  if (kind === 'Application')
    await deps.actions.deleteApplication(
      { namespace, name },
      { cascade: hasResourcesFinalizer(resource.metadata.finalizers), by },
    );
  else await deps.specs.delete(kind, namespace, name, { by });
  const isGoing = deps.specs.find(kind, namespace, name)?.deleting !== undefined;
  return isGoing ? { ...answer, warnings: [`${kind} ${namespace}/${name}: ${goingInOrder}`] } : answer;
}

const goingInOrder = "deleted step by step (deletionOrder: Reverse); 'wheelhouse appset get' says what that waits for";

const accessKinds: Record<string, AccessedResource['kind']> = {
  Application: 'applications',
  ApplicationSet: 'applicationsets',
  AppProject: 'projects',
  FleetRollout: 'rollouts',
};

function accessedBy({ resource, namespace, name }: ReadResource): AccessedResource {
  const kind = accessKinds[resource.kind];
  if (kind === 'applications') return accessOf(resource);
  if (kind === 'applicationsets') {
    const { spec } = (resource['spec'] as { template: { spec?: unknown } }).template;
    return { ...accessOf({ metadata: resource.metadata, spec }), kind };
  }
  return kind ? { kind, name } : { kind: 'settings', name: `${resource.kind}/${namespace}/${name}` };
}

/** Argo CD: without this finalizer, deleting an Application leaves its resources running. */
function hasResourcesFinalizer(finalizers: string[] = []): boolean {
  return finalizers.some((finalizer) => finalizer.startsWith('resources-finalizer.argocd.argoproj.io'));
}

function formatFailure(cause: unknown, request: FastifyRequest): Pick<Applied, 'result' | 'warnings' | 'error'> {
  const { code, message, details } = toApiError(cause as FastifyError, request.id);
  if (code === 'Internal') request.log.error({ err: cause, requestId: request.id }, 'apply failed');
  return { result: 'error', warnings: [], error: { reason: code, message, details } };
}

/** As much of an object's name as can be read, however wrong the rest is. */
function identify(object: unknown): { kind?: string; namespace?: string; name?: string } {
  const { kind, metadata } = (object ?? {}) as { kind?: unknown; metadata?: unknown };
  const { namespace, name } = (metadata ?? {}) as { namespace?: unknown; name?: unknown };
  return {
    ...(typeof kind === 'string' ? { kind } : {}),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}
