import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';

/** Counts what was refused, so that the hub hears of it with the next heartbeat. */
export interface Rejections {
  add(error: FleetError): void;
  summary(): Heartbeat['rejected'];
}

export function createRejections(deps: { logger: Logger; now: () => Date }): Rejections {
  let count = 0;
  let last: NonNullable<Heartbeat['rejected']> | undefined;
  return {
    add: (error) => {
      count += 1;
      last = { count, code: error.code, message: error.message, at: deps.now().toISOString() };
      deps.logger.warn({ err: error, code: error.code }, 'refused; what runs stays as it is');
    },
    summary: () => last,
  };
}
