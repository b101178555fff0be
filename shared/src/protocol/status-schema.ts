import { z } from 'zod';
import { FleetError } from '../errors/fleet-error.ts';
import { orphanReport } from './orphans.ts';
import type { AppStatus } from './status.ts';

const syncStatus = z.enum(['Synced', 'OutOfSync', 'Unknown']);
const healthStatus = z.enum(['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown']);
const count = z.int().nonnegative();

const resourceStatus = z.object({
  group: z.string(),
  version: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  sync: syncStatus,
  health: healthStatus.optional(),
  message: z.string().optional(),
  requiresPruning: z.literal(true).optional(),
  hook: z.literal(true).optional(),
});

const operationState = z.object({
  id: z.string().optional(),
  phase: z.enum(['Running', 'Terminating', 'Succeeded', 'Failed', 'Error']),
  message: z.string(),
  revision: z.string(),
  startedAt: z.string(),
  finishedAt: z.string().optional(),
  retryCount: count,
});

const appStatus = z.object({
  v: z.literal(1),
  app: z.string().min(1),
  gen: count,
  seq: count,
  revision: z.string(),
  bundle: z.string(),
  sync: syncStatus,
  health: z.object({ status: healthStatus, message: z.string().optional() }),
  operation: operationState.optional(),
  resources: z.array(resourceStatus).max(100),
  total: count,
  firstBad: resourceStatus.optional(),
  conditions: z.array(z.object({ type: z.string(), message: z.string() })),
  orphans: orphanReport.optional(),
  observedAt: z.iso.datetime(),
  traceparent: z.string().optional(),
  standby: z.literal(true).optional(),
  removed: z.literal(true).optional(),
});

/** Reads what a spoke sent: a spoke is not trusted to send what the hub can use. Throws Malformed. */
export function parseStatus(text: string): AppStatus {
  const parsed = appStatus.safeParse(readJson(text));
  if (parsed.success) return parsed.data as AppStatus;
  const [issue] = parsed.error.issues;
  throw new FleetError('Malformed', `a status cannot be read: ${issue?.path.join('.')}: ${issue?.message}`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FleetError('Malformed', 'a status is no JSON', { cause });
  }
}
