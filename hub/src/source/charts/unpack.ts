import { createGunzip } from 'node:zlib';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Extract, extract, type Header } from 'tar-stream';
import type { MemoryFiles } from '../memory-snapshot.ts';
import { parsePath } from '../repository-path.ts';
import { createTarGuard } from './tar-guard.ts';

export interface UnpackOptions {
  /** For messages. */
  what: string;
  /** The folder that all entries are in is dropped, as a chart is packed with its name. */
  stripRoot: boolean;
  gzip: boolean;
}

const maxBytes = 100 << 20;
const maxFiles = 20_000;
/** Of headers and padding, for each file. */
const overheadBytes = 2 << 10;

/**
 * Unpacks a tar archive into memory. Throws PathOutsideRepository for a path or link that leads out, TooLarge above 100 MiB or
 * 20,000 files, Malformed for what is no archive, Unsupported for devices and hard links, Aborted.
 */
export async function unpack(archive: Buffer, options: UnpackOptions, signal: AbortSignal): Promise<MemoryFiles> {
  if (signal.aborted) throw aborted(options.what, signal);
  const parser = extract();
  const guard = createTarGuard({
    // told by what the archive gives, as its headers may say anything
    maxBytes: maxBytes + maxFiles * overheadBytes,
    tooLarge: (reason) => tooLarge(options.what, reason),
  });
  const source = options.gzip ? createGunzip() : undefined;
  const fail = (error: Error) => parser.destroy(error);
  const onAbort = () => fail(aborted(options.what, signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    guard.on('error', fail).pipe(parser);
    source?.on('error', fail).pipe(guard);
    (source ?? guard).end(archive);
    return await readEntries(parser, options);
  } catch (error) {
    if (error instanceof FleetError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FleetError('Malformed', `${options.what} is not a tar archive: ${reason}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
    source?.destroy();
    guard.destroy();
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
    if (bytes > maxBytes || count > maxFiles) throw tooLarge(options.what);
    if (Object.hasOwn(header.pax ?? {}, 'size'))
      throw new FleetError(
        'Unsupported',
        `${options.what} gives the size of ${header.name} in a pax header: pack it as ustar or gnu`,
      );
    const content = Buffer.concat(await Array.fromAsync(entry as AsyncIterable<Buffer>));
    const path = placeOf(header, options);
    if (path !== '') addEntry(files, { path, header, content, what: options.what });
  }
  return files;
}

function tooLarge(what: string, reason = `more than ${maxBytes >> 20} MiB or ${maxFiles} files`): FleetError {
  return new FleetError('TooLarge', `${what} unpacks to ${reason}`);
}

function aborted(what: string, signal: AbortSignal): FleetError {
  return new FleetError('Aborted', `${what} is not unpacked any more`, { cause: signal.reason });
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
