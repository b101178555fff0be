import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from './child.ts';
import { type GitRepository, gitEnvironment } from './git-repository.ts';
import { tempDir } from './temp-dir.ts';
import { getTool } from './tools.ts';

/** A key pair of gpg's own making, in a folder of its own. */
export interface GpgKey extends AsyncDisposable {
  /** Its last 16 digits. */
  id: string;
  fingerprint: string;
  publicKey: string;
  /** Makes a commit with the files of the branch's newest one, signed, and returns its sha. */
  commit(repository: GitRepository, message: string, branch?: string): Promise<string>;
  /** Makes a signed tag. */
  tag(repository: GitRepository, name: string, revision: string): Promise<void>;
  /** Runs gpg on its folder. */
  gpg(...args: string[]): Promise<string>;
}

export async function createGpgKey(
  name: string,
  options: {
    /** As gpg takes it: `0` is never, `seconds=1`. */
    expires?: string;
    /** The time that stands still for it, as `20200101T000000`; that of the machine unless given. */
    clock?: string;
  } = {},
): Promise<GpgKey> {
  await using stack = new AsyncDisposableStack();
  // a socket's path may not be long
  const { path } = stack.use(await tempDir({ prefix: 'wh-gpg-' }));
  const home = join(path, 'g');
  const env = { ...gitEnvironment, GNUPGHOME: home, ...identity(name) };
  await runChild('mkdir', ['-m', '700', home], {});
  if (options.clock) await writeFile(join(home, 'gpg.conf'), `faked-system-time ${options.clock}!\n`);
  const gpg = async (...args: string[]) => await runChild('gpg', ['--batch', '--quiet', ...args], { env });
  stack.defer(async () => void (await runChild('gpgconf', ['--kill', 'all'], { env })));
  const user = `${name} <${name}@example.com>`;
  await gpg('--passphrase', '', '--quick-gen-key', user, 'ed25519', 'sign', options.expires ?? '0');
  const listing = await gpg('--list-keys', '--with-colons');
  const fingerprint = /^fpr:+(?<fingerprint>[0-9A-F]{40}):/mu.exec(listing)?.groups?.['fingerprint'] ?? '';
  const git = async (repository: GitRepository, ...args: string[]) =>
    (await runChild(getTool('git'), ['-C', repository.dir, ...args], { env })).trim();
  const owned = stack.move();
  return {
    id: fingerprint.slice(-16),
    fingerprint,
    publicKey: await gpg('--armor', '--export', fingerprint),
    gpg,
    commit: async (repository, message, branch = 'main') => {
      const ref = `refs/heads/${branch}`;
      const parent = await repository.git('rev-parse', ref);
      const tree = `${parent}^{tree}`;
      const sha = await git(repository, 'commit-tree', `-S${fingerprint}`, '-p', parent, '-m', message, tree);
      await repository.git('update-ref', ref, sha);
      return sha;
    },
    tag: async (repository, tagName, revision) =>
      void (await git(repository, 'tag', '--force', '-u', fingerprint, '-m', tagName, tagName, revision)),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function identity(name: string): NodeJS.ProcessEnv {
  const email = `${name}@example.com`;
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}
