import { randomUUID } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { maxBlobBytes, verified } from '@wheelhouse/shared/protocol/blob';
import {
  type BlobCommand,
  type DiffCommand,
  type DocumentCommand,
  parseAnswer,
  pieceBytes,
} from '@wheelhouse/shared/protocol/command';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { z } from 'zod';
import type { HubNats } from '../store/nats.ts';

/** Questions to one spoke. All throw ClusterUnavailable when it does not answer in time, and what it answers as an error. */
export interface Commands {
  /** What differs of an Application (its id), as the spoke sees it now. */
  diff(cluster: string, app: string, signal: AbortSignal): Promise<unknown>;
  /** Its newest verified document as it holds it. What it answers is to be verified. Throws Malformed. */
  document(cluster: string, signal: AbortSignal): Promise<Buffer>;
  /** A page or bundle that it holds, checked against its digest. Throws Malformed, TooLarge, DigestMismatch. */
  blob(cluster: string, digest: string, signal: AbortSignal): Promise<Buffer>;
}

type Question = Omit<DiffCommand, 'v' | 'id'> | Omit<DocumentCommand, 'v' | 'id'> | Omit<BlobCommand, 'v' | 'id'>;

const defaultTimeoutMs = 15_000;
const heldDocument = z.object({ envelope: z.base64() });
const heldPiece = z.object({ content: z.base64(), totalBytes: z.int().nonnegative() });

export function createCommands({ nats }: { nats: HubNats }, options: { timeoutMs?: number } = {}): Commands {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const ask = async (cluster: string, question: Question, signal: AbortSignal): Promise<unknown> => {
    const id = randomUUID();
    const answered = Promise.withResolvers<Uint8Array>();
    const refuse = () =>
      answered.reject(
        new FleetError(
          'ClusterUnavailable',
          `cluster ${cluster} did not answer within ${timeoutMs / 1000} s; is it connected?`,
        ),
      );
    const subscription = nats.connection.subscribe(subjects.answer(cluster, id), {
      max: 1,
      callback: (_error, message) => answered.resolve(message.data),
    });
    const timer = setTimeout(refuse, timeoutMs);
    signal.addEventListener('abort', refuse, { once: true });
    try {
      nats.connection.publish(subjects.command(cluster, id), JSON.stringify({ v: 1, id, ...question }));
      return parseAnswer(await answered.promise);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', refuse);
      subscription.unsubscribe();
    }
  };
  return {
    diff: async (cluster, app, signal) => await ask(cluster, { type: 'diff', app }, signal),
    document: async (cluster, signal) => {
      const { envelope } = parse(heldDocument, await ask(cluster, { type: 'document' }, signal), cluster);
      return Buffer.from(envelope, 'base64');
    },
    blob: async (cluster, digest, signal) =>
      verified(
        digest,
        await gather(cluster, async (piece) =>
          parse(heldPiece, await ask(cluster, { type: 'blob', digest, piece }, signal), cluster),
        ),
      ),
  };
}

async function gather(cluster: string, read: (piece: number) => Promise<z.infer<typeof heldPiece>>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let have = 0;
  for (let total = 1; have < total; ) {
    const { content, totalBytes } = await read(pieces.length);
    const bytes = Buffer.from(content, 'base64');
    const whole = Math.min(pieceBytes, totalBytes - have);
    if (totalBytes > maxBlobBytes) throw new FleetError('TooLarge', `cluster ${cluster} offers ${totalBytes} bytes`);
    if (bytes.length !== whole || (pieces.length > 0 && totalBytes !== total)) throw unreadable(cluster);
    pieces.push(bytes);
    have += bytes.length;
    total = totalBytes;
  }
  return Buffer.concat(pieces);
}

function parse<S extends z.ZodType>(schema: S, answer: unknown, cluster: string): z.infer<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw unreadable(cluster);
}

function unreadable(cluster: string): FleetError {
  return new FleetError(
    'Malformed',
    `the answer of cluster ${cluster} cannot be read; is its agent of another version?`,
  );
}
