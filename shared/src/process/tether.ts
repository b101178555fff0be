import { spawnSync } from 'node:child_process';

let prefix: readonly string[] | undefined;

/**
 * The command line, with which the kernel ends the process also when this one is killed (Linux: PR_SET_PDEATHSIG, by
 * util-linux' setpriv), but for the moment in which it begins; unchanged elsewhere. To be spawned by the main thread: a worker's end would end it. A program that
 * does not exist shows as exit code 127.
 */
export function tethered(line: readonly [string, ...string[]]): readonly [string, ...string[]] {
  prefix ??= findPrefix();
  const [command = line[0], ...args] = [...prefix, ...line];
  return [command, ...args];
}

/** By its path, because the child may have another PATH. */
function findPrefix(): string[] {
  if (process.platform !== 'linux') return [];
  const { stdout } = spawnSync('/bin/sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' });
  const found = [stdout.trim(), '--pdeathsig', 'KILL'] as const;
  return found[0] !== '' && spawnSync(found[0], [...found.slice(1), 'true']).status === 0 ? [...found] : [];
}
