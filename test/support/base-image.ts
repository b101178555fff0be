import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from './child.ts';
import { importImage } from './containers.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

const root = join(import.meta.dirname, '../..');

/** What the images of deploy/docker hold. */
const products = ['hub', 'spoke-agent'];

/** Where pnpm finds its packages while an image is built. */
const storeInImage = '/pnpm-store';

/** Stands in for the base images of the Dockerfiles, which a machine without a registry cannot pull; made anew each time. */
export async function createBaseImage(name: string): Promise<void> {
  await using dir = await tempDir({ prefix: 'wheelhouse-store-' });
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'])
    await cp(join(root, file), join(dir.path, file));
  for (const folder of ['shared', ...products]) {
    await mkdir(join(dir.path, folder));
    await cp(join(root, folder, 'package.json'), join(dir.path, folder, 'package.json'));
  }
  const store = join(dir.path, 'store');
  const filters = products.flatMap((product) => ['--filter', `@wheelhouse/${product}...`]);
  const args = ['install', '--prod', '--frozen-lockfile', '--prefer-offline', '--store-dir', store, ...filters];
  await runChild('pnpm', args, { cwd: dir.path, env: { ...process.env, CI: 'true' }, timeoutMs: 300_000 });
  const programs = (folder: string, ...names: string[]) =>
    Object.fromEntries(names.map((program) => [`${folder}/${program}`, getTool(program)]));
  await runChild('docker', ['image', 'rm', '--force', name]);
  await importImage(name, {
    // the lock file was checked against the registry when the store was filled; the build has no network
    changes: ['ENV pnpm_config_minimum_release_age=0', `ENV pnpm_config_store_dir=${storeInImage}`],
    files: {
      ...programs('/bin', 'mkdir', 'cp', 'cat', 'chown', 'touch', 'id'),
      '/bin/sh': getTool('dash'),
      '/usr/local/bin/node': process.execPath,
      ...programs('/usr/local/bin', 'pnpm', 'kustomize', 'helm', 'jsonnet'),
      ...programs('/usr/bin', 'git', 'gpg'),
      '/usr/lib/git-core/git-remote-https': '/usr/lib/git-core/git-remote-https',
      '/etc/ssl/certs/ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt',
      [storeInImage]: store,
    },
  });
}
