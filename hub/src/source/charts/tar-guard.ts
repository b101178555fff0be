import { Transform } from 'node:stream';

export interface TarGuardOptions {
  /** Of the whole archive, unpacked. */
  maxBytes: number;
  tooLarge(reason?: string): Error;
}

const block = 512;
/** Of one header that says more of the next entry: a long name, or pax records. A parser keeps it in memory whole. */
const maxHeaderBytes = 1 << 20;
/** POSIX and GNU: pax records (x, g), a long name (L), the long target of a link (K). */
const longHeaders = new Set(['x', 'g', 'L', 'K']);

/**
 * Lets a tar archive through as it comes out of gunzip, and ends with an error where it grows too large, whatever its headers say
 * about it. What a pax header says about the size of a file is not followed here: refuse such files.
 */
export function createTarGuard({ maxBytes, tooLarge }: TarGuardOptions): Transform {
  let total = 0;
  /** Bytes to pass before the next header begins. */
  let ahead = 0;
  let header: Buffer = Buffer.alloc(0);

  const whyNot = (chunk: Buffer): Error | undefined => {
    total += chunk.length;
    if (total > maxBytes) return tooLarge();
    for (let at = 0; at < chunk.length; ) {
      if (ahead > 0) {
        const passed = Math.min(ahead, chunk.length - at);
        ahead -= passed;
        at += passed;
        continue;
      }
      const part = chunk.subarray(at, at + block - header.length);
      header = header.length === 0 ? part : Buffer.concat([header, part]);
      at += part.length;
      if (header.length < block) return undefined;
      const { size, isLong } = readHeader(header);
      if (isLong && size > maxHeaderBytes) return tooLarge(`a header of more than ${maxHeaderBytes >> 20} MiB`);
      ahead = Math.ceil(size / block) * block;
      header = Buffer.alloc(0);
    }
    return undefined;
  };

  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const refused = whyNot(chunk);
      if (refused) done(refused);
      else done(null, chunk);
    },
  });
}

function readHeader(header: Buffer): { size: number; isLong: boolean } {
  const type = header.toString('latin1', 156, 157);
  const field = header.subarray(124, 136);
  const first = field[0] ?? 0;
  // GNU: a size that octal digits cannot hold is binary
  const size =
    first >= 0x80
      ? Number(field.readBigUInt64BE(4))
      : Number.parseInt(field.toString('latin1').replace(/\0.*$/su, '').trim() || '0', 8);
  return { size: Number.isFinite(size) ? size : 0, isLong: longHeaders.has(type) };
}
