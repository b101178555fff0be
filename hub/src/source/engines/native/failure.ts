import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Failure, sourceFailure } from '../../failure.ts';
import type { Remote } from '../../remote.ts';

/** What git, curl and ssh write (with LC_ALL=C) when something fails; the first that matches is the reason. */
const patterns: [RegExp, Failure][] = [
  [/attempting to allocate \d+ over limit|out of memory/i, 'memory'],
  [/SSL certificate|server certificate|certificate verif/i, 'certificate'],
  [
    /Authentication failed|could not read (Username|Password)|returned error: 40[13]|HTTP 40[13]|Permission denied \(/i,
    'authentication',
  ],
  [
    /returned error: 404|repository '[^']*' not found|not appear to be a git repository|Repository not found/i,
    'missing',
  ],
  [/couldn't find remote ref|not our ref|unadvertised object|remote ref does not exist/i, 'revision'],
];

/** Turns git's standard error into the FleetError that a person can act on. */
export function toNativeFailure(remote: Remote, stderr: string): FleetError {
  const hostKey = findHostKeyProblem(remote, stderr);
  if (hostKey) return hostKey;
  const kind = patterns.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'unreachable';
  return sourceFailure(kind, remote, { reason: lastLines(stderr) });
}

function findHostKeyProblem(remote: Remote, stderr: string): FleetError | undefined {
  if (!/Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known for/.test(stderr))
    return undefined;
  const changed = /HOST IDENTIFICATION HAS CHANGED/.test(stderr);
  const fingerprint = /SHA256:[A-Za-z0-9+/=]+/.exec(stderr)?.[0];
  const why = changed
    ? `shows another host key than the one known${fingerprint ? ` (it shows ${fingerprint})` : ''}; if its operators say that they replaced it, put the new one in place of the old`
    : 'is not known; check its key with its operators and add it';
  return new FleetError(
    'HostKeyMismatch',
    `SSH host ${remote.host} of repository ${remote.display} ${why} in the known hosts (the line that "ssh-keyscan${scanArguments(remote.host)}" prints)`,
    { details: { repository: remote.display, host: remote.host, ...(fingerprint ? { fingerprint } : {}) } },
  );
}

function scanArguments(host: string): string {
  const [, name = host, port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  return port === undefined ? ` ${name}` : ` -p ${port} ${name}`;
}

function lastLines(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('Warning: Permanently added'))
    .slice(-3)
    .join('; ');
}
