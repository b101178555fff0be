/** What Git holds in place of a file that is kept in LFS. */
export interface Pointer {
  /** sha256 (hex) of the content. */
  oid: string;
  bytes: number;
}

/** Git LFS: a pointer has fewer bytes. */
const maxPointerBytes = 1_024;
const line = (name: string, value: string) => new RegExp(`^${name} ${value}$`, 'mu');
const version = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
const oid = line('oid', 'sha256:(?<oid>[0-9a-f]{64})');
const size = line('size', '(?<size>\\d{1,15})');

/** Undefined when this content is the file itself. */
export function parsePointer(content: Buffer): Pointer | undefined {
  if (content.length >= maxPointerBytes) return undefined;
  if (!content.subarray(0, version.length).equals(version)) return undefined;
  const text = content.toString('utf8');
  const named = { ...oid.exec(text)?.groups, ...size.exec(text)?.groups };
  if (!named['oid'] || !named['size']) return undefined;
  return { oid: named['oid'], bytes: Number(named['size']) };
}
