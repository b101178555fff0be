import { formatJson } from '@wheelhouse/shared/kube/json';
import { isLabelKey, isLabelValue } from '@wheelhouse/shared/kube/label-syntax';
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** Bodies that `parseResource` reads rather than Fastify, because its messages name the object and the field. */
const resourceBodies = new WeakSet<object>();

/** The schema of a stored kind as a request body: in the API's description, but not checked before the handler. */
export function resourceBody<S extends z.ZodType>(schema: S): S {
  resourceBodies.add(schema);
  return schema;
}

export const compileValidator: FastifySchemaCompiler<z.ZodType> = (route) =>
  resourceBodies.has(route.schema) ? (value) => ({ value }) : validatorCompiler(route);

/** Answers are typed where they are made; checking 100,000 rows again on the way out would cost more than making them. */
export const compileSerializer: FastifySerializerCompiler<z.ZodType> = () => formatJson;

/** One or many: `?projects=a&projects=b`, or Argo CD's `?projects=a`. */
export function manyOf<S extends z.ZodType<string, string>>(item: S) {
  return z.union([item.transform((one) => [one]), z.array(item)]);
}

/** Query values are text: only `true` and `false` are booleans. */
export const queryBoolean = z.enum(['true', 'false']).transform((text) => text === 'true');

/** A query without parameters, so that an unknown one is an error here as well. */
export const noQuery = z.strictObject({});

/** Labels to be set; null removes one. */
export const labelChanges = z.record(
  z.string().refine(isLabelKey, 'not a label key'),
  z.string().refine(isLabelValue, 'not a label value').nullable(),
);

export function listOf<S extends z.ZodType>(item: S) {
  return z.object({
    metadata: z.object({
      resourceVersion: z.string(),
      continue: z.string().optional().describe('Send it back as `continue` for the next page'),
      remainingItemCount: z.number().int().optional().describe('Rows after this page; on the first page only'),
    }),
    items: z.array(item),
  });
}

/** Argo CD's list envelope. */
export function formatList<T>(items: T[], resourceVersion = ''): { metadata: { resourceVersion: string }; items: T[] } {
  return { metadata: { resourceVersion }, items };
}
