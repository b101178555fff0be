import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { HubNats } from './nats.ts';

/** Who did what to which object: one JSON line each, in stream AUDIT and in the log. */
export interface AuditEntry {
  /** Person or agent. */
  by: string;
  /** Verb and noun: `label cluster`, `create token`, `sync application`. */
  action: string;
  /** Name of the object. */
  object: string;
  /** Never a secret. */
  details?: Record<string, unknown>;
}

export interface AuditLog {
  /** Resolves once it is stored. */
  append(entry: AuditEntry): Promise<void>;
}

export function createAuditLog(deps: { nats: HubNats; logger: Logger; now: () => Date }): AuditLog {
  return {
    append: async (entry) => {
      const line = { at: deps.now().toISOString(), ...entry };
      deps.logger.info({ audit: line }, 'audit');
      await deps.nats.run(() => deps.nats.jetstream.publish('fleet.v1.audit', JSON.stringify(line)));
    },
  };
}
