import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

const run = promisify(execFile);

/** Public keys by whatever name, armoured. Argo CD: argocd-gpg-keys-cm. */
export type Keys = Readonly<Record<string, string>>;

/**
 * Makes a folder for gpg (GNUPGHOME) that holds these keys and trusts them, and nothing else. What is no key is left out: what it
 * should have signed is refused then. Throws ToolMissing without gpg.
 */
export async function createKeyring(
  folder: string,
  { keys, searchPath }: { keys: Keys; searchPath: string },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await writeFile(path.join(folder, 'gpg.conf'), 'trust-model always\nno-autostart\nno-auto-key-retrieve\n');
  const files: string[] = [];
  for (const [index, text] of Object.values(keys).entries()) {
    const file = path.join(folder, `key-${index}.asc`);
    await writeFile(file, text);
    files.push(file);
  }
  if (files.length === 0) return;
  const args = ['--batch', '--quiet', '--homedir', folder, '--import', ...files];
  await run('gpg', args, { signal, timeout: 30_000, env: { PATH: searchPath, LC_ALL: 'C', HOME: folder } }).catch(
    (error: NodeJS.ErrnoException) => {
      if (signal.aborted) throw new FleetError('Aborted', 'signatures are not checked any more', { cause: error });
      if (error.code === 'ENOENT')
        throw new FleetError('ToolMissing', 'gpg is not on PATH of the hub: signatures cannot be checked without it');
      // with an exit code it has taken the keys that are keys
      if (typeof error.code !== 'number')
        throw new FleetError('Timeout', 'gpg did not take the keys of argocd-gpg-keys-cm', { cause: error });
    },
  );
}
