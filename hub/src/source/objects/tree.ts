import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

export type EntryType = 'tree' | 'file' | 'symlink' | 'submodule';

/** One line of a Git tree object. `mode` has six octal digits, as `100755`. */
export interface TreeLine {
  name: string;
  oid: string;
  type: EntryType;
  mode: string;
}

/**
 * Parses a tree object. Refuses, with PathOutsideRepository, the names that Git itself never writes and that would leave
 * the tree once written to a disk: empty, `.`, `..`, `.git` in any case, and any with a slash or backslash.
 */
export function parseTree(data: Buffer, oid: string): TreeLine[] {
  const lines: TreeLine[] = [];
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const end = data.indexOf(0, space);
    if (space < 0 || end < 0 || end + 21 > data.length)
      throw new FleetError('DigestMismatch', `git tree ${oid} is cut off`);
    const mode = data.toString('latin1', at, space).padStart(6, '0');
    const name = data.toString('utf8', space + 1, end);
    if (isUnsafeName(name))
      throw new FleetError(
        'PathOutsideRepository',
        `git tree ${oid} holds an entry named ${JSON.stringify(name)}, which is refused`,
      );
    lines.push({ name, mode, type: typeOf(mode), oid: data.toString('hex', end + 1, end + 21) });
    at = end + 21;
  }
  return lines;
}

export function isUnsafeName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name.toLowerCase() === '.git' || /[/\\\0]/.test(name);
}

function typeOf(mode: string): EntryType {
  if (mode.startsWith('04')) return 'tree';
  if (mode.startsWith('12')) return 'symlink';
  if (mode.startsWith('16')) return 'submodule';
  return 'file';
}
