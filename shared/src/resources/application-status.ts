import { z } from 'zod';
import { anyObject, flag, integer, text, texts } from './fields.ts';

// What the hub reports, in Argo CD's JSON. Open everywhere: a status that somebody sends is kept, not judged.

const syncStatus = z.enum(['Synced', 'OutOfSync', 'Unknown']);
const healthStatus = z.enum(['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown']);
const health = z.looseObject({ status: healthStatus.exactOptional(), message: text, lastTransitionTime: text });

const resource = z.looseObject({
  group: text,
  version: text,
  kind: text,
  namespace: text,
  name: text,
  status: syncStatus.exactOptional(),
  health: health.exactOptional(),
  hook: flag,
  requiresPruning: flag,
  syncWave: integer,
});

const operationState = z.looseObject({
  operation: anyObject.exactOptional(),
  phase: z.enum(['Running', 'Terminating', 'Succeeded', 'Failed', 'Error']),
  message: text,
  startedAt: z.string(),
  finishedAt: text,
  retryCount: integer,
  syncResult: anyObject.exactOptional(),
});

const condition = z.looseObject({ type: z.string(), message: z.string(), lastTransitionTime: text });

const revisionHistory = z.looseObject({
  id: z.int(),
  revision: text,
  revisions: texts,
  deployedAt: z.string(),
  deployStartedAt: text,
});

const hydrated = { drySHA: text, hydratedSHA: text, sourceHydrator: anyObject.exactOptional() };

const hydratorStatus = z.looseObject({
  lastSuccessfulOperation: z.looseObject(hydrated).exactOptional(),
  currentOperation: z
    .looseObject({
      ...hydrated,
      phase: z.enum(['Hydrating', 'Hydrated', 'Failed']),
      message: text,
      startedAt: z.string(),
      finishedAt: text,
    })
    .exactOptional(),
});

export const applicationStatus = z.looseObject({
  sync: z
    .looseObject({
      status: syncStatus,
      revision: text,
      revisions: texts,
      comparedTo: anyObject.exactOptional(),
    })
    .exactOptional(),
  health: health.exactOptional(),
  resources: z.array(resource).exactOptional(),
  operationState: operationState.exactOptional(),
  conditions: z.array(condition).exactOptional(),
  history: z.array(revisionHistory).exactOptional(),
  sourceHydrator: hydratorStatus.exactOptional(),
  reconciledAt: text,
  observedAt: text,
  sourceType: text,
  sourceTypes: texts,
  summary: z.looseObject({ images: texts, externalURLs: texts }).exactOptional(),
  resourceHealthSource: text,
  controllerNamespace: text,
});

export type SourceHydratorStatus = z.infer<typeof hydratorStatus>;
export type ApplicationStatus = z.infer<typeof applicationStatus>;
