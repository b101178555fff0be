import { gunzipSync, gzipSync } from 'node:zlib';
import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import { FleetError } from '../errors/fleet-error.ts';
import { formatJson, parseJson } from '../kube/json.ts';

interface Question {
  v: 1;
  id: string;
}

/** What differs of an Application. */
export interface DiffCommand extends Question {
  type: 'diff';
  /** Application id. */
  app: string;
}

/** The newest verified document, for a hub that does not have it; answered as `HeldDocument`. */
export interface DocumentCommand extends Question {
  type: 'document';
}

/** A piece of a page or bundle on the spoke's disk, for a hub that does not have it; answered as `HeldPiece`. */
export interface BlobCommand extends Question {
  type: 'blob';
  digest: string;
  /** Counted from 0, each of `pieceBytes`. */
  piece: number;
}

/** A question to a spoke, answered once. It changes nothing: what changes things is in the signed document. */
export type Command = DiffCommand | DocumentCommand | BlobCommand;

export interface HeldDocument {
  gen: number;
  /** base64: header line, signature and body, as the hub published it. */
  envelope: string;
}

export interface HeldPiece {
  /** base64 */
  content: string;
  /** Of the whole. */
  totalBytes: number;
}

export const pieceBytes = 512 * 1024;

/** `result` is the command's own: for a diff, the list of differing resources. */
export type CommandAnswer = { result: unknown } | { error: { code: ErrorCode; message: string } };

const maxSentBytes = 900_000;
const maxAnswerBytes = 32 * 1024 * 1024;

/** Undefined for what is not a command of this version. */
export function parseCommand(text: string): Command | undefined {
  try {
    const value = JSON.parse(text) as (Partial<Question> & { type?: unknown }) | null;
    const complete = value?.v === 1 && typeof value.id === 'string' && isComplete(value);
    return complete ? (value as Command) : undefined;
  } catch {
    return undefined;
  }
}

function isComplete(value: { type?: unknown; app?: unknown; digest?: unknown; piece?: unknown }): boolean {
  if (value.type === 'diff') return typeof value.app === 'string';
  if (value.type === 'blob') return typeof value.digest === 'string' && Number.isSafeInteger(value.piece);
  return value.type === 'document';
}

/** Gzipped JSON; an answer that NATS could not carry becomes the error TooLarge. */
export function formatAnswer(answer: CommandAnswer): Buffer {
  const bytes = gzipSync(formatJson(answer));
  if (bytes.length <= maxSentBytes) return bytes;
  const message = `the answer has ${bytes.length} bytes when packed; the limit is ${maxSentBytes}`;
  return formatAnswer({ error: { code: 'TooLarge', message } });
}

/** The result; throws the error that the spoke answered with, or Malformed. */
export function parseAnswer(bytes: Uint8Array): unknown {
  const answer = readAnswer(bytes);
  if ('result' in answer) return answer.result;
  const { code, message } = answer.error;
  throw new FleetError(code in catalogue ? code : 'Internal', message);
}

function readAnswer(bytes: Uint8Array): CommandAnswer {
  try {
    const answer = parseJson(gunzipSync(bytes, { maxOutputLength: maxAnswerBytes }).toString()) as CommandAnswer;
    if ('result' in answer || typeof answer.error === 'object') return answer;
  } catch (cause) {
    throw new FleetError('Malformed', 'the answer of a spoke cannot be read', { cause });
  }
  throw new FleetError('Malformed', 'the answer of a spoke holds no result');
}
