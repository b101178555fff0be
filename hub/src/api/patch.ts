import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { applyPatch, Pointer } from 'rfc6902';
import { z } from 'zod';
import { type ReadResource, readResource } from './stored-resource.ts';

const pointer = z.string().regex(/^(?:\/[^]*)?$/, 'a path is a JSON pointer: it begins with a slash');
const operations = z
  .array(
    z.discriminatedUnion('op', [
      z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.unknown() }),
      z.object({ op: z.enum(['move', 'copy']), path: pointer, from: pointer }),
      z.object({ op: z.literal('remove'), path: pointer }),
    ]),
  )
  .max(1_000);
/** What all `copy` operations together may add: else a few of them, each of what the one before made, fill the memory. */
const maxCopiedLength = 4 << 20;

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
  const parsed = operations.safeParse(patch);
  if (!parsed.success)
    throw new FleetError(
      'Malformed',
      `a JSON patch is a list of at most 1,000 operations (RFC 6902): ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
    );
  const patched = structuredClone(target);
  let copied = 0;
  for (const [index, operation] of parsed.data.entries()) {
    if (operation.op === 'copy') copied += lengthAt(patched, operation.from);
    if (copied > maxCopiedLength)
      throw new FleetError(
        'TooLarge',
        `operation ${index} of the patch copies more than ${maxCopiedLength} characters`,
      );
    const [error] = applyPatch(patched, [operation]);
    if (error)
      throw new FleetError('Invalid', `operation ${index} of the patch does not fit: ${formatJson(operation)}`);
  }
  return patched;
}

function lengthAt(target: unknown, pointer: string): number {
  return (formatJson(Pointer.fromJSON(pointer).get(target)) ?? '').length;
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
