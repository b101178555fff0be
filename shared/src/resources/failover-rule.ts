import { z } from 'zod';
import { parseDuration } from '../config/duration.ts';
import { isLabelKey, isLabelValue } from '../kube/label-syntax.ts';
import { parseSelector } from '../kube/selector-text.ts';
import { flag, objectMeta } from './fields.ts';

const selector = z.string().refine((text) => isSelector(text), 'not a selector of labels, as kubectl takes them');
const duration = z.string().refine((text) => (parseDuration(text) ?? 0) > 0, 'not a duration such as 30s, 10m or 1h');
const labels = z.record(
  z.string().refine(isLabelKey, 'not a label key'),
  z.string().refine(isLabelValue, 'not a label value').nullable(),
);

/** When the hub may fail over without being asked. Off unless `spec.enabled` says otherwise. */
export const failoverRule = z.strictObject({
  apiVersion: z.literal('wheelhouse.dev/v1alpha1'),
  kind: z.literal('FailoverRule'),
  metadata: objectMeta,
  spec: z.strictObject({
    enabled: flag,
    /** Clusters whose silence, all of them, starts it. */
    from: selector,
    to: selector,
    /** Applications that alone move, as `wheelhouse failover --app` takes them; all when absent. */
    apps: selector.exactOptional(),
    /** How long they must have been silent; at least until the hub takes them for lost, 10 minutes unless set otherwise. */
    lostFor: duration.exactOptional(),
    /** Labels that both sides exchange; found when absent. */
    labels: z.array(z.string()).min(1).exactOptional(),
    setFrom: labels.exactOptional(),
    setTo: labels.exactOptional(),
    /** Least time between two failovers of this rule. Default 1h. */
    every: duration.exactOptional(),
    /** Of each step; 30 minutes unless given. */
    deadline: duration.exactOptional(),
    /** What becomes of a plan that is late. Default Pause. */
    onDeadline: z.enum(['Pause', 'Abort']).exactOptional(),
    /** More than these are left to a person. */
    atMost: z
      .strictObject({ clusters: z.int().min(1).exactOptional(), applications: z.int().min(1).exactOptional() })
      .exactOptional(),
  }),
});

export type FailoverRule = z.infer<typeof failoverRule>;

function isSelector(text: string): boolean {
  try {
    return parseSelector(text).length > 0;
  } catch {
    return false;
  }
}
