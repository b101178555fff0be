import { catalogue, type ErrorCode } from './catalogue.ts';

export interface FleetErrorOptions {
  /** Whether trying the same thing again can help; the catalogue's answer unless told otherwise. */
  retryable?: boolean;
  /** Facts for people and logs: object names, limits, trimmed output. Never a secret. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error that crosses a boundary. The message is lower case: what, which object, what to do. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: FleetErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? catalogue[code].retryable;
    this.details = options.details ?? {};
  }

  get status(): number {
    return catalogue[this.code].status;
  }
}

/** Turns whatever was thrown into a FleetError; call it once, at a boundary. */
export function toFleetError(error: unknown, code: ErrorCode = 'Internal'): FleetError {
  if (error instanceof FleetError) return error;
  if (error instanceof Error && error.name === 'AbortError')
    return new FleetError('Aborted', 'stopped', { cause: error });
  return new FleetError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

export function isFleetError(error: unknown, code?: ErrorCode): error is FleetError {
  return error instanceof FleetError && (code === undefined || error.code === code);
}
