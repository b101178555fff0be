import { createGunzip } from 'node:zlib';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Extract, extract, type Header } from 'tar-stream';
import type { MemoryFiles } from '../memory-snapshot.ts';
import { parsePath } from '../repository-path.ts';

export interface UnpackOptions {
  /** For messages. */
  what: string;
  /** The folder that all entries are in is dropped, as a chart is packed with its name. */
  stripRoot: boolean;
  gzip: boolean;
}

const maxBytes = 100 << 20;
const maxFiles = 20_000;

/**
 * Unpacks a tar archive into memory. Throws PathOutsideRepository for a path or link that leads out, TooLarge above 100 MiB or
 * 20,000 files, Malformed for what is no archive, Unsupported for devices and hard links.
 */
export async function unpack(archive: Buffer, options: UnpackOptions): Promise<MemoryFiles> {
  const parser = extract();
  const source = options.gzip ? createGunzip() : undefined;
  try {
    source?.on('error', (error) => parser.destroy(error)).pipe(parser);
    (source ?? parser).end(archive);
    return await readEntries(parser, options);
  } catch (error) {
    if (error instanceof FleetError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FleetError('Malformed', `${options.what} is not a tar archive: ${reason}`, { cause: error });
  } finally {
    source?.destroy();
    parser.destroy();
  }
}

async function readEntries(parser: Extract, options: UnpackOptions): Promise<MemoryFiles> {
  const files: MemoryFiles = {};
  let bytes = 0;
  let count = 0;
  for await (const entry of parser) {
    const { header } = entry;
    bytes += header.size ?? 0;
    count += 1;
    if (bytes > maxBytes || count > maxFiles)
      throw new FleetError(
        'TooLarge',
        `${options.what} unpacks to more than ${maxBytes >> 20} MiB or ${maxFiles} files`,
      );
    const content = Buffer.concat(await Array.fromAsync(entry as AsyncIterable<Buffer>));
    const path = placeOf(header, options);
    if (path !== '') addEntry(files, { path, header, content, what: options.what });
  }
  return files;
}

function placeOf({ name }: Header, { stripRoot, what }: UnpackOptions): string {
  const parts = parsePath(name.startsWith('/') ? `..${name}` : name);
  if (parts.some((part) => part.toLowerCase() === '.git' || part.includes('\\')))
    throw new FleetError('PathOutsideRepository', `${what} holds a file ${JSON.stringify(name)}, which is refused`);
  return parts.slice(stripRoot ? 1 : 0).join('/');
}

function addEntry(files: MemoryFiles, entry: { path: string; header: Header; content: Buffer; what: string }): void {
  const { path, header, content, what } = entry;
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      files[path] = (header.mode ?? 0) & 0o111 ? { executable: content } : content;
      return;
    case 'symlink':
      files[path] = { link: header.linkname ?? '' };
      return;
    case 'directory':
      return;
    default:
      throw new FleetError(
        'Unsupported',
        `${what} holds a ${header.type} ${path}: pack only files, folders and symbolic links`,
      );
  }
}
