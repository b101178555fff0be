import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';

/** Below this many bytes a turn of the thread pool costs more than the work itself. */
const smallBytes = 64 * 1024;
const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Gzips; content that takes long is worked on beside the event loop. `level` 1 is fastest, 6 unless given. */
export async function compress(content: Uint8Array, level = 6): Promise<Buffer> {
  return content.length < smallBytes ? gzipSync(content, { level }) : await gzipAsync(content, { level });
}

/** Unpacks at most `maxBytes`; throws when there is more, or when it is no gzip. */
export async function decompress(packed: Uint8Array, maxBytes: number): Promise<Buffer> {
  const options = { maxOutputLength: maxBytes };
  return packed.length < smallBytes / 8 ? gunzipSync(packed, options) : await gunzipAsync(packed, options);
}
