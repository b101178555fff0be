import { z } from 'zod';
import { parseDuration } from '../config/duration.ts';
import { parseSelector } from '../kube/selector-text.ts';
import { objectMeta } from './fields.ts';
import type { Secret } from './settings.ts';

const longestMs = 10 * 60_000;
const timeout = z.string().refine((text) => isWithin(parseDuration(text)), 'not a duration between 1s and 10m');
const selector = z.string().refine((text) => isSelector(text), 'not a selector of labels, as kubectl takes them');
const step = z.enum(['Relabelling', 'Arriving', 'Withdrawing']);
const url = z.string().refine((text) => isHttpUrl(text), 'not an http or https URL without login and fragment');
const subject = z
  .string()
  .max(200)
  .regex(/^[^\s.*>$][^\s.*>]*(\.[^\s.*>]+)*$/, 'no subject that can be published to');

/** Called before and after the steps of failover plans, so that DNS and load balancers follow. */
export const failoverHook = z.strictObject({
  apiVersion: z.literal('wheelhouse.dev/v1alpha1'),
  kind: z.literal('FailoverHook'),
  metadata: objectMeta,
  spec: z
    .strictObject({
      at: z.array(z.union([z.strictObject({ before: step }), z.strictObject({ after: step })])).min(1),
      /** `back`: of a plan that is being undone. Default both. */
      directions: z
        .array(z.enum(['forward', 'back']))
        .min(1)
        .exactOptional(),
      /** Plans that it is for. Default all. */
      plans: z
        .array(z.enum(['relabel', 'failover', 'fail-back', 'automatic']))
        .min(1)
        .exactOptional(),
      /** Only plans that change labels of such a cluster. */
      clusters: selector.exactOptional(),
      /** Of each attempt. Default 30s. */
      timeout: timeout.exactOptional(),
      /** Attempts after the first. Default 2. */
      retries: z.int().min(0).max(10).exactOptional(),
      /** What becomes of a plan whose hook failed. Default Pause. */
      onFailure: z.enum(['Pause', 'Abort', 'Continue']).exactOptional(),
      http: z
        .strictObject({ url, secret: z.strictObject({ name: z.string().min(1), key: z.string().min(1) }) })
        .exactOptional(),
      nats: z.strictObject({ subject }).exactOptional(),
      /** An Application of the hook's namespace whose Jobs are run: it is synced, and its Jobs are made anew. */
      job: z.strictObject({ application: z.string().min(1) }).exactOptional(),
    })
    .refine(({ http, nats, job }) => [http, nats, job].filter((one) => one !== undefined).length === 1, {
      message: 'give one of http, nats and job',
    }),
});

export type FailoverHook = z.infer<typeof failoverHook>;

export const hookSecretLabel = 'wheelhouse.dev/secret-type';

/** Whether a Secret holds the key by which calls of hooks are signed; no other Secret is used for that. */
export function isForHooks({ metadata }: Secret): boolean {
  return metadata.labels?.[hookSecretLabel] === 'failover-hook';
}

function isWithin(ms: number | undefined): boolean {
  return ms !== undefined && ms >= 1_000 && ms <= longestMs;
}

function isSelector(text: string): boolean {
  try {
    return parseSelector(text).length > 0;
  } catch {
    return false;
  }
}

function isHttpUrl(text: string): boolean {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  return (
    parsed !== undefined &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.hash === ''
  );
}
