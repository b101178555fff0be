import { z } from 'zod';
import { FleetError } from '../errors/fleet-error.ts';

const schema = z.object({
  /** Base URL of the hub, `https://hub.example:8443`. */
  hub: z.string().startsWith('https://'),
  /** SHA-256 of the hub's CA certificate (DER), hexadecimal. Absent: the hub's certificate is one that the system trusts. */
  ca: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  id: z.string().min(1),
  secret: z.string().min(1),
});

/** What an agent needs to join: made by the hub, shown once, used once. */
export type EnrolmentToken = z.infer<typeof schema>;

const prefix = 'wh1.';

export function formatEnrolmentToken(token: EnrolmentToken): string {
  return prefix + Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Throws TokenInvalid; the message never repeats the text. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const token = text.trim();
  if (!token.startsWith(prefix))
    throw new FleetError(
      'TokenInvalid',
      `not an enrolment token: one begins with ${prefix}; make one with 'wheelhouse cluster token NAME'`,
    );
  const parsed = schema.safeParse(parseContent(token.slice(prefix.length)));
  if (parsed.success) return parsed.data;
  throw new FleetError('TokenInvalid', 'the enrolment token is incomplete; was it cut when it was copied?');
}

function parseContent(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}
