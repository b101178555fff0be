import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { unpack } from '../source/charts/unpack.ts';
import type { MemoryFiles } from '../source/memory-snapshot.ts';
import { whyNotOwnSchema } from './schema-references.ts';

const schemaName = 'values.schema.json';
/** A packed chart in a packed chart in a packed chart … */
const maxDepth = 10;
/** Helm: of one file of a chart. */
const maxSchemaBytes = 5 << 20;
/** Of all packed charts of a render together. */
const maxBytes = 100 << 20;

interface Looking {
  signal: AbortSignal;
  /** Left of `maxBytes`. */
  bytes: number;
}

/**
 * Refuses charts whose values.schema.json would have helm read files of the hub, packed dependencies in `charts/` included. Inputs:
 * folders that hold charts, each with what it is called in messages. Throws PathOutsideRepository, Malformed for what is no schema,
 * and as unpack does.
 */
export async function refuseForeignSchemas(
  folders: readonly { directory: string; what: string }[],
  signal: AbortSignal,
): Promise<void> {
  const looking: Looking = { signal, bytes: maxBytes };
  for (const { directory, what } of folders) {
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory() || !isLookedAt(entry.name)) continue;
      const file = path.join(entry.parentPath, entry.name);
      const name = path.posix.join(what, path.relative(directory, file));
      // a link leads to another file of the workspace; one that leads to a folder or nowhere is helm's to speak of
      const content = await readFile(file, { signal }).catch(ignoreNoFile);
      if (content) await look({ name, content, depth: 0 }, looking);
    }
  }
}

function isLookedAt(name: string): boolean {
  return name === schemaName || name.endsWith('.tgz');
}

function ignoreNoFile(error: NodeJS.ErrnoException): undefined {
  if (!['EISDIR', 'ENOENT', 'ELOOP'].includes(error.code ?? '')) throw error;
}

async function look(
  { name, content, depth }: { name: string; content: Buffer; depth: number },
  looking: Looking,
): Promise<void> {
  if (path.posix.basename(name) === schemaName) return refuseForeign(name, content);
  if (depth > maxDepth)
    throw new FleetError('TooLarge', `${name}: charts are packed more than ${maxDepth} times into each other`);
  const files = await unpack(content, { what: name, stripRoot: false, gzip: true }, looking.signal);
  for (const [inner, file] of Object.entries(files)) {
    const bytes = bytesOf(file);
    looking.bytes -= bytes?.length ?? 0;
    if (looking.bytes < 0)
      throw new FleetError('TooLarge', `${name}: the packed charts of one render hold more than ${maxBytes >> 20} MiB`);
    if (bytes && isLookedAt(path.posix.basename(inner)))
      await look({ name: `${name}/${inner}`, content: bytes, depth: depth + 1 }, looking);
  }
}

/** Undefined for a link: helm follows none in an archive. */
function bytesOf(file: MemoryFiles[string]): Buffer | undefined {
  if (typeof file === 'string' || 'link' in file) return undefined;
  return Buffer.isBuffer(file) ? file : file.executable;
}

function refuseForeign(name: string, content: Buffer): void {
  if (content.length > maxSchemaBytes)
    throw new FleetError('TooLarge', `${name} is larger than ${maxSchemaBytes >> 20} MiB, of which helm takes no file`);
  const why = whyNotOwnSchema(content.toString());
  if (why === undefined) return;
  throw new FleetError(why.startsWith('is not JSON') ? 'Malformed' : 'PathOutsideRepository', `${name} ${why}`);
}
