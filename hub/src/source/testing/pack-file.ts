import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

export interface PackedObject {
  kind: 'commit' | 'tree' | 'blob' | 'delta';
  data: Buffer;
  /** The size that the pack states; the data's unless given. */
  size?: number;
  /** Of a delta: how many bytes before it its base begins. */
  distance?: number;
}

const kinds = { commit: 1, tree: 2, blob: 3, delta: 6 };

/** A Git pack of objects in order (Git: gitformat-pack), whose digest is right. */
export function formatPack(objects: readonly PackedObject[]): Buffer {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects.length, 8);
  const content = Buffer.concat([header, ...objects.map(formatEntry)]);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}

/** One entry: a header, and the data deflated. */
export function formatEntry({ kind, data, size = data.length, distance }: PackedObject): Buffer {
  const head = [(kinds[kind] << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    head.push((head.pop() ?? 0) | 0x80);
    head.push(rest & 0x7f);
  }
  return Buffer.concat([Buffer.from([...head, ...formatDistance(distance)]), deflateSync(data)]);
}

function formatDistance(distance: number | undefined): number[] {
  if (distance === undefined) return [];
  const bytes = [distance & 0x7f];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor((rest - 1) / 128))
    bytes.unshift(0x80 | ((rest - 1) & 0x7f));
  return bytes;
}

/** A delta that yields its base's first 16 MiB less a byte so many times over. */
export function formatRepeats(baseBytes: number, times: number): Buffer {
  const copy = Buffer.from([0xf0, 0xff, 0xff, 0xff]);
  const sizes = [...formatSize(baseBytes), ...formatSize(times * 0xff_ff_ff)];
  return Buffer.concat([Buffer.from(sizes), ...Array.from({ length: times }, () => copy)]);
}

function formatSize(size: number): number[] {
  const bytes = [size & 0x7f];
  for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80);
    bytes.push(rest & 0x7f);
  }
  return bytes;
}
