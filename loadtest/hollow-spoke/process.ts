// Many hollow spokes in one process: the real agent and link, real NATS connections, memory clusters.
// Inputs by IPC: `{tokens, dir}`; tells `ready` once all are enrolled.
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { startHollowSpoke } from '@wheelhouse/test/support/hollow-spoke';

interface Start {
  /** Enrolment token of each cluster, by name. */
  tokens: Record<string, string>;
  dir: string;
}

process.on('message', (message: Start) => {
  void mapLimit(
    Object.entries(message.tokens),
    8,
    async ([name, token]) => await startHollowSpoke({ name, token, dir: message.dir, firstDelayMs: 2_000 }),
  ).then(
    () => process.send?.('ready'),
    (error: unknown) => {
      process.stderr.write(`hollow spokes: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
