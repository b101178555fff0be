import type { Remote } from '../../remote.ts';
import { toNativeFailure } from './failure.ts';
import { type GitResult, runGit } from './git-process.ts';
import { createLogin, type Login } from './login.ts';

export interface NativeOptions {
  /** Variables that git may see of the process's own: PATH, the proxy settings and GIT_ALLOC_LIMIT; others are dropped. */
  environment: Readonly<Record<string, string | undefined>>;
  allowFile: boolean;
}

/** What one call may see besides. */
export interface GitCall {
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  config?: readonly (readonly [key: string, value: string])[];
  /** Standard input. */
  input?: Uint8Array;
}

export interface GitCommand {
  /** Throws what the failure means for the repository, when git does not end well. */
  run(remote: Remote, call: GitCall, signal: AbortSignal): Promise<GitResult>;
  /** Any end is an answer. */
  ask(call: GitCall, signal: AbortSignal): Promise<GitResult>;
  /** As `ask`, with the login of a remote. */
  attempt(remote: Remote, call: GitCall, signal: AbortSignal): Promise<GitResult>;
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
  'GIT_ALLOC_LIMIT',
];

/** Git settings for every call: no hooks, no prompts, verified objects, no large file and few objects in memory, one pack a fetch, nothing in the background. */
const hardening: [key: string, value: string][] = [
  ['core.hooksPath', '/dev/null'],
  ['transfer.fsckObjects', 'true'],
  ['core.bigFileThreshold', '64m'],
  ['pack.threads', '1'],
  ['fetch.unpackLimit', '1'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['http.followRedirects', 'initial'],
  ['credential.helper', ''],
  ['core.askPass', ''],
  ['submodule.recurse', 'false'],
  ['advice.fetchShowForcedUpdates', 'false'],
];

/** The git binary. Every call is one process with a scrubbed environment, and a login that is gone when it ends. */
export function createGitCommand({ environment, allowFile }: NativeOptions): GitCommand {
  const inherited = Object.fromEntries(passedVariables.flatMap((name) => entryOf(name, environment[name])));
  const fixed = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_ALLOC_LIMIT: '256m',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ALLOW_PROTOCOL: allowFile ? 'http:https:ssh:file' : 'http:https:ssh',
  };
  const settings: [string, string][] = [...hardening, ['protocol.file.allow', allowFile ? 'always' : 'never']];
  const environmentOf = (login: Login, { env = {}, config = [] }: GitCall) => ({
    ...fixed,
    ...inherited,
    ...login.env,
    ...env,
    ...configVariables([...settings, ...login.config, ...config]),
  });

  const start = async (remote: Remote, call: GitCall, signal: AbortSignal): Promise<GitResult> => {
    await using login = await createLogin(remote);
    const { args, input } = call;
    return await runGit({ args, env: environmentOf(login, call), signal, ...(input ? { input } : {}) });
  };
  return {
    ask: async (call, signal) => await start(noRemote, call, signal),
    attempt: start,
    run: async (remote, call, signal) => {
      const result = await start(remote, call, signal);
      if (result.exitCode !== 0) throw toNativeFailure(remote, result.stderr);
      return result;
    },
  };
}

/** Of calls that reach nothing. */
export const noRemote: Remote = { url: '', display: '(none)', scheme: 'file', host: '', credentials: {} };

function configVariables(settings: (readonly [string, string])[]): Record<string, string> {
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
