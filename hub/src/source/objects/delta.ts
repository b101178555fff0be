import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Rebuilds an object from its base and a Git delta (Git: gitformat-pack, "Deltified representation"). Throws DigestMismatch when they do not fit. */
export function applyDelta(base: Buffer, delta: Buffer, maxBytes: number): Buffer {
  const reader = { delta, at: 0 };
  const baseBytes = readSize(reader);
  const resultBytes = readSize(reader);
  if (baseBytes !== base.length) throw corrupt('its base has another size');
  if (resultBytes > maxBytes)
    throw new FleetError('TooLarge', `a git object of ${resultBytes} bytes is over the limit of ${maxBytes}`);
  const result = Buffer.allocUnsafe(resultBytes);
  let written = 0;
  while (reader.at < delta.length) {
    const piece = readInstruction(reader, base);
    if (written + piece.length > resultBytes) throw corrupt('it yields too many bytes');
    written += piece.copy(result, written);
  }
  if (written !== resultBytes) throw corrupt('it yields too few bytes');
  return result;
}

interface DeltaReader {
  delta: Buffer;
  at: number;
}

/** The size of what a delta yields. Throws DigestMismatch. */
export function resultBytesOf(delta: Buffer): number {
  const reader = { delta, at: 0 };
  readSize(reader);
  return readSize(reader);
}

function readInstruction(reader: DeltaReader, base: Buffer): Buffer {
  const op = next(reader);
  if (op === 0) throw corrupt('it holds a reserved instruction');
  const start = op & 0x80 ? readBytes(reader, op, 4) : reader.at;
  const bytes = op & 0x80 ? readBytes(reader, op >> 4, 3) || 0x10000 : op;
  const from = op & 0x80 ? base : reader.delta;
  if (start + bytes > from.length) throw corrupt('it copies from beyond the end');
  if (from === reader.delta) reader.at += bytes;
  return from.subarray(start, start + bytes);
}

/** Little-endian number of up to `count` bytes, of which only those flagged in `flags` are present. */
function readBytes(reader: DeltaReader, flags: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index += 1) if (flags & (1 << index)) value += next(reader) * 2 ** (8 * index);
  return value;
}

function readSize(reader: DeltaReader): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = next(reader);
    value += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) return value;
  }
}

function next(reader: DeltaReader): number {
  const byte = reader.delta[reader.at];
  if (byte === undefined) throw corrupt('it ends too early');
  reader.at += 1;
  return byte;
}

function corrupt(why: string): FleetError {
  return new FleetError('DigestMismatch', `a git delta is corrupt: ${why}`);
}
