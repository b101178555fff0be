import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Remote } from '../../remote.ts';
import { toNativeFailure } from './failure.ts';
import { runGit } from './git-process.ts';
import { createLogin } from './login.ts';

export interface SshCall {
  /** The program to run there; the repository's path and `args` follow. */
  program: string;
  args: readonly string[];
  /** PATH of this process. */
  path: string | undefined;
}

const maxOutputBytes = 1 << 20;
const program = { command: '/bin/sh', missing: "ssh cannot be run; install OpenSSH's client" };

/** Runs a program for a repository on the host that it is reached at by SSH, and returns what it wrote. Throws as git does there. */
export async function runOverSsh(remote: Remote, call: SshCall, signal: AbortSignal): Promise<string> {
  const { destination, port, path } = addressOf(remote);
  await using login = await createLogin(remote);
  const { GIT_SSH_COMMAND: ssh = 'ssh', ...env } = login.env;
  const there = [call.program, quote(path), ...call.args].join(' ');
  const line = [ssh, ...(port === '' ? [] : ['-p', port]), '--', quote(destination), quote(there)].join(' ');
  const { exitCode, stdout, stderr } = await runGit({
    program,
    args: ['-c', script(line)],
    env: { PATH: call.path ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', ...env },
    signal,
    maxOutputBytes,
  });
  if (exitCode === 0) return stdout;
  throw toNativeFailure(remote, stderr);
}

/** 127 is ssh's own absence only: there it means that the host does not have the program. */
function script(line: string): string {
  return `command -v ssh >/dev/null || exit 127\n${line}\ncode=$?\n[ $code = 127 ] && exit 1\nexit $code`;
}

/** Git: `ssh://user@host:port/path`, or `user@host:path`. */
function addressOf({ url, display }: Remote): { destination: string; port: string; path: string } {
  const address = URL.parse(url);
  if (address?.protocol === 'ssh:') {
    const { username, hostname, port, pathname } = address;
    return { destination: at(decodeURIComponent(username), hostname), port, path: decodeURIComponent(pathname) };
  }
  const [, user = '', host, path] = /^(?:([^@/:\s]+)@)?(\[[^\]]+\]|[^/:\s]+):(\S.*)$/u.exec(url) ?? [];
  if (host === undefined || path === undefined)
    throw new FleetError('Invalid', `repository ${display} is reached by SSH, but its URL names no host and path`);
  return { destination: at(user, host), port: '', path };
}

function at(user: string, host: string): string {
  const bare = host.replace(/^\[|\]$/gu, '');
  return user === '' ? bare : `${user}@${bare}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
