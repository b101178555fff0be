import { z } from 'zod';
import { flag, integer, intOrText, text, textMap, texts } from './fields.ts';

/** Argo CD: `limit` < 0 is without limit, 0 none; a duration is Go's ("5s", "3m") or bare seconds. */
export const retryStrategy = z.strictObject({
  limit: integer,
  backoff: z
    .strictObject({ duration: intOrText.exactOptional(), factor: integer, maxDuration: intOrText.exactOptional() })
    .exactOptional(),
  refresh: flag,
});

export const syncPolicy = z.strictObject({
  automated: z.strictObject({ enabled: flag, prune: flag, selfHeal: flag, allowEmpty: flag }).exactOptional(),
  syncOptions: texts,
  retry: retryStrategy.exactOptional(),
  managedNamespaceMetadata: z.strictObject({ labels: textMap, annotations: textMap }).exactOptional(),
});

const forced = z.strictObject({ force: flag }).exactOptional();

/** The part of an operation that says what to sync; `source` and `sources` are those of the Application's spec. */
export const syncOperationFields = {
  autoHealAttemptsCount: integer,
  dryRun: flag,
  manifests: texts,
  prune: flag,
  resources: z
    .array(z.strictObject({ group: text, kind: z.string(), name: z.string(), namespace: text }))
    .exactOptional(),
  revision: text,
  revisions: texts,
  syncOptions: texts,
  syncStrategy: z.strictObject({ apply: forced, hook: forced }).exactOptional(),
};

export type SyncPolicy = z.infer<typeof syncPolicy>;
export type RetryStrategy = z.infer<typeof retryStrategy>;
