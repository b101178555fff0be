import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, writeOnce } from '@wheelhouse/shared/files/replace-file';

/** Reads a secret of 256 bits, base64url; makes it where there is none, readable by its owner only. Throws Malformed for an empty one. */
export async function loadSecret(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if (!(await findFile(file))) await writeOnce(file, `${randomBytes(32).toString('base64url')}\n`);
  const secret = String(await findFile(file)).trim();
  if (secret !== '') return secret;
  throw new FleetError('Malformed', `${file} is empty: remove it, and the hub makes it anew`);
}
