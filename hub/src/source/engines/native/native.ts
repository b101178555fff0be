import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { RefList } from '../../refs.ts';
import type { Remote } from '../../remote.ts';
import type { Engine, FetchRequest } from '../engine.ts';
import { createGitCommand, type NativeOptions, noRemote } from './git-command.ts';

/** The git binary, for SSH and whatever isomorphic-git is not fit for. Every call is one process with a scrubbed environment. */
export function createNativeEngine(options: NativeOptions): Engine {
  const git = createGitCommand(options);
  const run = async (remote: Remote, args: string[], signal: AbortSignal) => await git.run(remote, { args }, signal);

  return {
    name: 'native',
    async listRefs(remote, signal) {
      const { stdout } = await run(
        remote,
        ['ls-remote', '--quiet', '--symref', '--end-of-options', remote.url],
        signal,
      );
      return parseLsRemote(stdout);
    },
    async create(directory, signal) {
      const args = ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', '--', directory];
      await run(noRemote, args, signal);
    },
    async fetch(request, signal) {
      const { directory, remote, wanted } = request;
      try {
        await run(remote, fetchArguments(request), signal);
      } catch (error) {
        // what is left is tried again after the next failure; why there was one is not to be hidden by it
        await removeUnfinished(path.join(directory, 'objects', 'pack')).catch(() => undefined);
        throw error;
      }
      const fetched = /^[0-9a-f]{40}/.exec(await readFile(path.join(directory, 'FETCH_HEAD'), 'latin1'))?.[0];
      return request.everything ? wanted.sha : (fetched ?? wanted.sha);
    },
  };
}

/** git leaves the pack that it was writing when it fails. */
async function removeUnfinished(packs: string): Promise<void> {
  for (const file of await readdir(packs))
    if (file.startsWith('tmp_')) await rm(path.join(packs, file), { force: true });
}

function fetchArguments(request: FetchRequest): string[] {
  const { directory, remote, wanted, everything } = request;
  // our own ref names: a server that replaces branch "a" by "a/b" cannot make them clash
  const local = createHash('sha256')
    .update(wanted.ref ?? wanted.sha)
    .digest('hex')
    .slice(0, 16);
  const options = [
    '--quiet',
    '--force',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-auto-maintenance',
    '--no-show-forced-updates',
  ];
  const refspecs = everything
    ? ['+refs/heads/*:refs/wheelhouse/all/heads/*', '+refs/tags/*:refs/wheelhouse/all/tags/*']
    : [`+${wanted.ref ?? wanted.sha}:refs/wheelhouse/${local}`];
  const depth = everything ? [] : ['--depth=1'];
  return [`--git-dir=${directory}`, 'fetch', ...options, ...depth, '--end-of-options', remote.url, ...refspecs];
}

function parseLsRemote(output: string): RefList {
  const refs = new Map<string, string>();
  let head: string | undefined;
  let defaultBranch: string | undefined;
  for (const line of output.split('\n')) {
    const [left = '', ref = ''] = line.split('\t');
    if (ref === 'HEAD' && left.startsWith('ref: ')) defaultBranch = left.slice('ref: '.length);
    else if (ref === 'HEAD') head = left;
    else if (ref.startsWith('refs/')) refs.set(ref.replace(/\^\{\}$/, ''), left); // a tag's peeled line follows it
  }
  return { ...(head ? { head } : {}), ...(defaultBranch ? { defaultBranch } : {}), refs };
}
