import { z } from 'zod';
import type { OnDeadline } from '../failover/plan-record.ts';

const durationMs = z.number().int().min(0).max(86_400_000);

/** How a plan goes on, whoever asked for it. */
export const pace = {
  reason: z.string().max(500).default(''),
  soakMs: durationMs.optional().describe('Instead of what the Applications say'),
  deadlineMs: durationMs.min(1_000).optional().describe('Of each step; 30 minutes unless given'),
  onDeadline: z.enum(['Pause', 'Abort']).optional().describe('What becomes of a plan that is late; Pause unless given'),
};

/** For what is done at once unless it has to be planned. */
export const planOnly = z
  .boolean()
  .default(false)
  .describe('Set nothing: a plan where one is needed, and otherwise the cluster as it is');

/** Of Applications that alone see labels. */
export const appSelector = z
  .string()
  .min(1)
  .max(1_000)
  .optional()
  .describe('Selector of Applications: only these see the labels, in place of the own ones of the clusters');

type Pace = Partial<Record<'soakMs' | 'deadlineMs', number | undefined>> & { onDeadline?: OnDeadline | undefined };

/** Without the fields that are undefined. */
export function definite<T extends Pace>(body: T) {
  const { soakMs, deadlineMs, onDeadline, ...rest } = body;
  return {
    ...rest,
    ...(soakMs === undefined ? {} : { soakMs }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(onDeadline === undefined ? {} : { onDeadline }),
  };
}

const placement = z
  .object({
    app: z.string(),
    cluster: z.string(),
    set: z.string().describe('ApplicationSet, namespace/name'),
    policy: z.enum(['Surge', 'Immediate', 'Never']),
    soakMs: z.number(),
    cascade: z.boolean(),
    stateful: z.literal(true).exactOptional(),
    standby: z.literal(true).exactOptional().describe('It is a standby there otherwise; nothing is withdrawn'),
    healthySince: z.string().exactOptional(),
    withdrawal: z.enum(['requested', 'confirmed', 'absent']).exactOptional(),
    broughtBackBy: z.string().exactOptional().describe('A later plan that brings it there again: it is not withdrawn'),
    stays: z.array(z.object({ app: z.string(), cluster: z.string() })).exactOptional(),
  })
  .meta({ id: 'PlanPlacement' });

const amounts = z.object({ cpuMillis: z.number(), memoryBytes: z.number() });

const change = z.object({
  cluster: z.string(),
  key: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

/** Or a word of a newer hub: its plans are shown all the same. */
function orNewer(words: readonly string[]) {
  return z.enum(words).or(z.string());
}

/** A plan as the API shows it. */
export const planView = z
  .object({
    id: z.string(),
    owner: z.string(),
    reason: z.string(),
    kind: orNewer(['relabel', 'failover', 'fail-back', 'automatic']),
    createdAt: z.string(),
    expiresAt: z.string(),
    phase: orNewer(['Planned', 'Relabelling', 'Arriving', 'Withdrawing', 'Fenced', 'Completed', 'Aborted', 'Expired']),
    direction: z.enum(['forward', 'back']),
    phaseAt: z.string(),
    deadlineMs: z.number(),
    onDeadline: z.enum(['Pause', 'Abort']).exactOptional(),
    paused: z.object({ at: z.string(), by: z.string(), reason: z.string() }).exactOptional(),
    labels: z.array(change),
    annotations: z.array(change).exactOptional().describe('Changed together with the labels; not in lists of plans'),
    apps: z.string().exactOptional().describe('Selector of the Applications that alone see these labels'),
    leaves: z.array(placement),
    arrives: z.array(placement),
    changes: z.array(z.object({ app: z.string(), cluster: z.string(), set: z.string() })),
    hooks: z
      .array(
        z.object({
          hook: z.string().describe('FailoverHook, namespace/name'),
          when: z.enum(['before', 'after']),
          step: z.enum(['Relabelling', 'Arriving', 'Withdrawing']),
          direction: z.enum(['forward', 'back']),
          type: z.enum(['http', 'nats', 'job']),
          target: z.string().describe('Whom it calls, without the query of a URL'),
          timeoutMs: z.number(),
          retries: z.number(),
          onFailure: z.enum(['Pause', 'Abort', 'Continue']),
          attempt: z.number(),
          state: z.enum(['running', 'succeeded', 'failed']).exactOptional(),
          message: z.string().exactOptional(),
        }),
      )
      .describe('Calls before and after its steps'),
    findings: z.array(
      z.object({ severity: z.enum(['info', 'warning', 'blocks']), code: z.string(), message: z.string() }),
    ),
    capacity: z.array(
      z.object({ cluster: z.string(), arriving: amounts, free: amounts.exactOptional(), unknown: z.number() }),
    ),
    history: z.array(z.object({ at: z.string(), by: z.string(), message: z.string() })),
    failsBack: z.string().exactOptional(),
    progress: z.number().describe('Percent'),
    counts: z.object({
      incoming: z.number(),
      healthy: z.number(),
      outgoing: z.number(),
      withdrawn: z.number(),
      kept: z.number(),
      pending: z.number(),
      absent: z.number().describe('The hub knew them no more when they were due: nothing was withdrawn'),
    }),
    waits: z.array(z.string()).describe('What it waits for now'),
  })
  .meta({ id: 'Plan' });
