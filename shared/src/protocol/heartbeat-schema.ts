import { z } from 'zod';
import { FleetError } from '../errors/fleet-error.ts';
import { inventorySchema } from './inventory.ts';
import type { Heartbeat } from './status.ts';

const count = z.int().nonnegative();
const maxTextLength = 2_048;
/** Text for people: a long one is cut rather than refused, for a heartbeat that is refused makes its cluster stale. */
const text = z.string().transform((value) => value.slice(0, maxTextLength));

const heartbeat = z.object({
  v: z.literal(1),
  cluster: z.string().max(63),
  uid: z.string().max(128),
  instance: z.string().max(64).exactOptional(),
  pending: z.literal(true).exactOptional(),
  credentials: z.object({ issuedAt: z.iso.datetime(), expiresAt: z.iso.datetime() }).exactOptional(),
  // a generation is only ever chosen above the one reported, so there must be room above
  appliedGen: count.max(2 ** 50),
  statusDigest: z.string().max(128),
  agentVersion: z.string().max(64),
  kubernetesVersion: z.string().max(64),
  documents: count.exactOptional(),
  at: z.string().max(64),
  rejected: z.object({ count, code: z.string().max(64), message: text, at: z.string().max(64) }).exactOptional(),
  inventory: inventorySchema.exactOptional(),
  inventoryProblem: text.exactOptional(),
  orphans: z.object({ surveyedAt: z.iso.datetime().exactOptional(), problem: text.exactOptional() }).exactOptional(),
});

/** Reads what a spoke sent: a spoke is not trusted to send what the hub can use. Throws Malformed. */
export function parseHeartbeat(text: string): Heartbeat {
  const parsed = heartbeat.safeParse(readJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FleetError('Malformed', `a heartbeat cannot be read: ${issue?.path.join('.')}: ${issue?.message}`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FleetError('Malformed', 'a heartbeat is no JSON', { cause });
  }
}
