import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RefList } from '../../refs.ts';
import type { Remote } from '../../remote.ts';
import type { Engine, FetchRequest } from '../engine.ts';
import { toNativeFailure } from './failure.ts';
import { type GitResult, runGit } from './git-process.ts';
import { createLogin, type Login } from './login.ts';

export interface NativeOptions {
  /** Variables that git may see of the process's own: PATH and the proxy settings; others are dropped. */
  environment: Readonly<Record<string, string | undefined>>;
  allowFile: boolean;
}

const passedVariables = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
];

/** Git settings for every call: no hooks, no prompts, verified objects, one pack a fetch, nothing in the background. */
const hardening: [key: string, value: string][] = [
  ['core.hooksPath', '/dev/null'],
  ['transfer.fsckObjects', 'true'],
  ['fetch.unpackLimit', '1'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['http.followRedirects', 'initial'],
  ['credential.helper', ''],
  ['core.askPass', ''],
  ['submodule.recurse', 'false'],
  ['advice.fetchShowForcedUpdates', 'false'],
];

/** The git binary, for SSH and whatever isomorphic-git is not fit for. Every call is one process with a scrubbed environment. */
export function createNativeEngine(options: NativeOptions): Engine {
  const { allowFile } = options;
  const inherited = Object.fromEntries(passedVariables.flatMap((name) => entryOf(name, options.environment[name])));
  const fixed = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ALLOW_PROTOCOL: allowFile ? 'http:https:ssh:file' : 'http:https:ssh',
  };
  const settings: [string, string][] = [...hardening, ['protocol.file.allow', allowFile ? 'always' : 'never']];
  const environmentOf = (login: Login) => ({
    ...fixed,
    ...inherited,
    ...login.env,
    ...configVariables([...settings, ...login.config]),
  });

  const run = async (remote: Remote, args: string[], signal: AbortSignal): Promise<GitResult> => {
    await using login = await createLogin(remote);
    const result = await runGit({ args, env: environmentOf(login), signal });
    if (result.exitCode !== 0) throw toNativeFailure(remote, result.stderr);
    return result;
  };

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
      await run(remote, fetchArguments(request), signal);
      const fetched = /^[0-9a-f]{40}/.exec(await readFile(path.join(directory, 'FETCH_HEAD'), 'latin1'))?.[0];
      return request.everything ? wanted.sha : (fetched ?? wanted.sha);
    },
  };
}

const noRemote: Remote = { url: '', display: '(none)', scheme: 'file', host: '', credentials: {} };

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

function configVariables(settings: [string, string][]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}

function entryOf(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}
