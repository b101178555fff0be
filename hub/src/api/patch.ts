import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { applyPatch, type Operation } from 'rfc6902';
import { z } from 'zod';
import { type ReadResource, readResource } from './stored-resource.ts';

export const patchTypes = z.enum(['json', 'merge']);

export interface PatchRequest {
  /** JSON text. */
  patch: string;
  patchType: z.infer<typeof patchTypes>;
}

/** The object after the patch, checked like any other; its name and kind must be the same. The input is left alone. */
export function patchSpec(resource: KubeObject, { patch, patchType }: PatchRequest): ReadResource {
  const change = parsePatch(patch);
  const patched = patchType === 'merge' ? mergePatch(resource, change) : jsonPatch(resource, change);
  const read = readResource(patched);
  const { metadata } = resource;
  if (
    read.name !== metadata.name ||
    read.resource.metadata.namespace !== metadata.namespace ||
    read.resource.kind !== resource.kind
  )
    throw new FleetError(
      'Invalid',
      `a patch cannot change the kind, name or namespace of ${resource.kind} ${metadata.name}`,
    );
  return read;
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) merged.delete(field);
    else merged.set(field, mergePatch(merged.get(field), value));
  }
  return Object.fromEntries(merged);
}

function jsonPatch(target: KubeObject, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new FleetError('Malformed', 'a JSON patch is a list of operations (RFC 6902)');
  const copy = structuredClone(target);
  const failed = applyPatch(copy, patch as Operation[]).findIndex((error) => error !== null);
  if (failed < 0) return copy;
  throw new FleetError('Invalid', `operation ${failed} of the patch does not fit: ${formatJson(patch[failed])}`);
}

function parsePatch(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new FleetError('Malformed', `the patch is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
