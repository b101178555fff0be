import { randomUUID } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type DiffCommand, parseAnswer } from '@wheelhouse/shared/protocol/command';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import type { HubNats } from '../store/nats.ts';

/** Questions to one spoke. */
export interface Commands {
  /** What differs of an Application (its id), as the spoke sees it now. Throws ClusterUnavailable when it does not answer in time. */
  diff(cluster: string, app: string, signal: AbortSignal): Promise<unknown>;
}

const defaultTimeoutMs = 15_000;

export function createCommands({ nats }: { nats: HubNats }, options: { timeoutMs?: number } = {}): Commands {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  return {
    diff: async (cluster, app, signal) => {
      const command: DiffCommand = { v: 1, id: randomUUID(), type: 'diff', app };
      const answered = Promise.withResolvers<Uint8Array>();
      const refuse = () =>
        answered.reject(
          new FleetError(
            'ClusterUnavailable',
            `cluster ${cluster} did not answer within ${timeoutMs / 1000} s; is it connected?`,
          ),
        );
      const subscription = nats.connection.subscribe(subjects.answer(cluster, command.id), {
        max: 1,
        callback: (_error, message) => answered.resolve(message.data),
      });
      const timer = setTimeout(refuse, timeoutMs);
      signal.addEventListener('abort', refuse, { once: true });
      try {
        nats.connection.publish(subjects.command(cluster, command.id), JSON.stringify(command));
        return parseAnswer(await answered.promise);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', refuse);
        subscription.unsubscribe();
      }
    },
  };
}
