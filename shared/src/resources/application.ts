import { z } from 'zod';
import { applicationSource, applicationSourceTemplate, sourceHydrator } from './application-source.ts';
import { applicationStatus } from './application-status.ts';
import { argoApiVersion, flag, integer, objectMeta, text, texts } from './fields.ts';
import { retryStrategy, syncOperationFields, syncPolicy } from './sync-policy.ts';

const destination = z.strictObject({ server: text, name: text, namespace: text });

const ignoreDifference = z.strictObject({
  group: text,
  kind: z.string(),
  name: text,
  namespace: text,
  jsonPointers: texts,
  jqPathExpressions: texts,
  managedFieldsManagers: texts,
});

const info = z.array(z.strictObject({ name: z.string(), value: z.string() })).exactOptional();

const specFields = {
  ignoreDifferences: z.array(ignoreDifference).exactOptional(),
  info,
  revisionHistoryLimit: integer,
  sourceHydrator: sourceHydrator.exactOptional(),
  syncPolicy: syncPolicy.exactOptional(),
};

const spec = z.strictObject({
  ...specFields,
  destination,
  project: z.string(),
  source: applicationSource.exactOptional(),
  sources: z.array(applicationSource).exactOptional(),
});

const specTemplate = z.strictObject({
  ...specFields,
  destination: destination.exactOptional(),
  project: text,
  source: applicationSourceTemplate.exactOptional(),
  sources: z.array(applicationSourceTemplate).exactOptional(),
});

export interface ApplicationSpec extends z.infer<typeof spec> {}
/** The spec in an ApplicationSet's template; what it lacks may come from a generator's template or from templatePatch. */
export interface ApplicationSpecTemplate extends z.infer<typeof specTemplate> {}
export const applicationSpec: z.ZodType<ApplicationSpec> = spec;
export const applicationSpecTemplate: z.ZodType<ApplicationSpecTemplate> = specTemplate;

const operation = z.strictObject({
  info,
  initiatedBy: z.strictObject({ automated: flag, username: text }).exactOptional(),
  retry: retryStrategy.exactOptional(),
  sync: z
    .strictObject({
      ...syncOperationFields,
      source: applicationSource.exactOptional(),
      sources: z.array(applicationSource).exactOptional(),
    })
    .exactOptional(),
});

/** Argo CD 3.6: Application. `spec.project` and `metadata.namespace` are always there, see `defaults.ts`. */
export const application = z.strictObject({
  apiVersion: argoApiVersion,
  kind: z.literal('Application'),
  metadata: objectMeta,
  spec: applicationSpec,
  operation: operation.exactOptional(),
  status: applicationStatus.exactOptional(),
});

export type Application = z.infer<typeof application>;
export type Destination = z.infer<typeof destination>;
export type IgnoreDifference = z.infer<typeof ignoreDifference>;
export type Operation = z.infer<typeof operation>;
