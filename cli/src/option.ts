import { parseDuration } from '@wheelhouse/shared/config/duration';
import { InvalidArgumentError, Option } from 'commander';

/** For an option that may be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** A duration on the command line: `90s`, `5m`, `1h30m`; in milliseconds. */
export function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('write a duration such as 30s, 5m or 1h');
  return ms;
}

/** `--timeout`, in milliseconds once read. */
export function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'give up after this long').default(300_000, '5m').argParser(readDuration);
}
