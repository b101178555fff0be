import { gunzipSync, gzipSync } from 'node:zlib';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';

/** Below this, packing costs more than it saves. */
const plainBytes = 1_024;
const maxBytes = 512 * 1024 * 1024;

/** A value as it is stored: JSON, gzipped when it is large, since NATS takes messages of 1 MB. */
export function packJson(value: unknown): Buffer {
  return packText(formatJson(value));
}

/** The same of text that is JSON already. */
export function packText(json: string): Buffer {
  const plain = Buffer.from(json);
  return plain.length > plainBytes ? gzipSync(plain, { level: 1 }) : plain;
}

/** What was packed, with its integers exact. Throws for what is neither JSON nor a gzip of it, and above 512 MiB. */
export function unpackJson(packed: Uint8Array): unknown {
  const isGzip = packed[0] === 0x1f && packed[1] === 0x8b;
  const plain = isGzip ? gunzipSync(packed, { maxOutputLength: maxBytes }) : Buffer.from(packed);
  return parseJson(plain.toString());
}
