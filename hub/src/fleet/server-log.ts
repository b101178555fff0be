/**
 * What nats-server writes into its log and tells nobody else: who published or subscribed where he may not. Reads the file
 * as it grows, through rotations; what comes faster than it can be read is passed over, and said to be.
 */
import { open, stat } from 'node:fs/promises';
import { sleep } from '@wheelhouse/shared/async/abort';
import type { Logger } from '@wheelhouse/shared/logging/logger';

export interface Violation {
  kind: 'publish' | 'subscribe';
  subject: string;
  /** Of the user. */
  publicKey: string;
}

const pollMs = 500;
const maxBytes = 1_048_576;

/** Calls back for every violation that is written from now on, until the signal aborts. */
export async function followServerLog(
  deps: { logger: Logger; onViolation(violation: Violation): void },
  file: string,
  signal: AbortSignal,
): Promise<void> {
  let at: number | undefined;
  let rest = '';
  let isRead = true;
  do {
    try {
      const size = await sizeOf(file);
      at ??= size;
      if (size < at) [at, rest] = [0, ''];
      if (size - at > maxBytes) {
        deps.logger.warn({ file, bytes: size - at - maxBytes }, 'nats-server writes faster than its log is read');
        [at, rest] = [size - maxBytes, ''];
      }
      if (size === at) continue;
      const lines = (rest + (await read(file, { from: at, to: size }))).split('\n');
      at = size;
      rest = lines.pop() ?? '';
      for (const violation of lines.flatMap((line) => parseViolation(line) ?? [])) deps.onViolation(violation);
      isRead = true;
    } catch (error) {
      if (isRead)
        deps.logger.warn({ err: error, file }, "nats-server's log cannot be read; refused subjects are not audited");
      isRead = false;
    }
  } while (await sleep(pollMs, signal));
}

/** NATS 2.15: `… - "ACCOUNT/FLEET/nkey:USER" - Publish Violation - Subject "x"`; a quote within a client's name is escaped. */
export function parseViolation(line: string): Violation | undefined {
  const match = /\/nkey:(U[A-Z2-7]{55})" - (Publish|Subscription) Violation[^"]*"((?:[^"\\]|\\.)*)"/.exec(line);
  if (!match) return undefined;
  const [, publicKey = '', kind, subject = ''] = match;
  return { kind: kind === 'Publish' ? 'publish' : 'subscribe', subject, publicKey };
}

async function sizeOf(file: string): Promise<number> {
  // before the server first writes there is no file
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  return found?.size ?? 0;
}

async function read(file: string, { from, to }: { from: number; to: number }): Promise<string> {
  await using handle = await open(file, 'r');
  const buffer = Buffer.alloc(to - from);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  return buffer.subarray(0, bytesRead).toString();
}
