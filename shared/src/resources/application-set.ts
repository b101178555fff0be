import { z } from 'zod';
import { anyObject, argoApiVersion, flag, intOrText, objectMeta, text, texts } from './fields.ts';
import { applicationSetTemplate, generator } from './generator.ts';

const rolloutStep = z.strictObject({
  matchExpressions: z.array(z.strictObject({ key: text, operator: text, values: texts })).exactOptional(),
  maxUpdate: intOrText.exactOptional(),
});

const strategy = z.strictObject({
  type: text,
  rollingSync: z.strictObject({ steps: z.array(rolloutStep).exactOptional() }).exactOptional(),
  deletionOrder: text,
});

const ignoreApplicationDifference = z.strictObject({ name: text, jsonPointers: texts, jqPathExpressions: texts });

const applicationSetSpec = z.strictObject({
  applyNestedSelectors: flag,
  generators: z.array(generator),
  goTemplate: flag,
  goTemplateOptions: texts,
  ignoreApplicationDifferences: z.array(ignoreApplicationDifference).exactOptional(),
  preservedFields: z.strictObject({ annotations: texts, labels: texts }).exactOptional(),
  strategy: strategy.exactOptional(),
  syncPolicy: z
    .strictObject({
      applicationsSync: z.enum(['create-only', 'create-update', 'create-delete', 'sync']).exactOptional(),
      preserveResourcesOnDeletion: flag,
    })
    .exactOptional(),
  template: applicationSetTemplate,
  templatePatch: text,
});

const applicationSetStatus = z.looseObject({
  conditions: z
    .array(
      z.looseObject({
        type: z.string(),
        status: z.string(),
        reason: text,
        message: text,
        lastTransitionTime: text,
      }),
    )
    .exactOptional(),
  applicationStatus: z.array(anyObject).exactOptional(),
  resources: z.array(anyObject).exactOptional(),
  resourcesCount: z.int().exactOptional(),
  health: anyObject.exactOptional(),
});

/** Argo CD 3.6: ApplicationSet. */
export const applicationSet = z.strictObject({
  apiVersion: argoApiVersion,
  kind: z.literal('ApplicationSet'),
  metadata: objectMeta,
  spec: applicationSetSpec,
  status: applicationSetStatus.exactOptional(),
});

export type ApplicationSet = z.infer<typeof applicationSet>;
export type ApplicationSetSpec = z.infer<typeof applicationSetSpec>;
export type ApplicationSetStatus = z.infer<typeof applicationSetStatus>;
export type RolloutStep = z.infer<typeof rolloutStep>;
