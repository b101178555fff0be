import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';

/** What a script can tell from how a command ended. */
export const exitCodes = {
  ok: 0,
  /** Something was refused or failed: of several objects, at least one. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The hub does not answer. */
  unreachable: 3,
  /** The token is missing, wrong or may not. */
  denied: 4,
  /** What was waited for did not come in time. */
  timedOut: 5,
  /** `app diff` found differences. */
  differs: 6,
  /** `preview` found what would be held, refused or fail. */
  blocked: 7,
  /** Ctrl-C, SIGTERM. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byError: Partial<Record<ErrorCode, ExitCode>> = {
  TransportUnavailable: exitCodes.unreachable,
  Unauthenticated: exitCodes.denied,
  Forbidden: exitCodes.denied,
  Timeout: exitCodes.timedOut,
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return byError[code] ?? exitCodes.failed;
}
