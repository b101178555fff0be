import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { Platform } from '@wheelhouse/test/support/platform';

/** A fleet of hollow spokes in a few processes. */
export interface HollowFleet extends AsyncDisposable {
  readonly pids: number[];
  readonly names: string[];
}

const perProcess = 500;
/**
 * Each agent has a machine of its own elsewhere: on this one NATS and the hub go first. And the heap of so many agents is
 * taken for what it is from the start, or most of it is marked again whenever they all connect.
 */
const start = { execPath: 'nice', execArgv: ['-n', '5', process.execPath, '--initial-old-space-size=2000'] };

/** Registers `count` clusters over the API and starts their agents. Labels are given by index. */
export async function startHollowFleet(
  platform: Platform,
  options: { count: number; dir: string; labels: (index: number) => Record<string, string> },
): Promise<HollowFleet> {
  const names = Array.from({ length: options.count }, (_, index) => `c${String(index).padStart(5, '0')}`);
  const tokens = await mapLimit(names, 16, async (cluster, index) => {
    const { token } = await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', {
      cluster,
      labels: options.labels(index),
    });
    return [cluster, token] as const;
  });
  const children: ChildProcess[] = [];
  for (let at = 0; at < tokens.length; at += perProcess) {
    const child = fork(join(import.meta.dirname, 'process.ts'), {
      ...start,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.send({ tokens: Object.fromEntries(tokens.slice(at, at + perProcess)), dir: options.dir });
    children.push(child);
  }
  await Promise.all(children.map(ready));
  return {
    pids: children.flatMap((child) => child.pid ?? []),
    names,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(
        children.map(async (child) => {
          // a scenario may have killed it: its end comes no second time
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('hollow spokes ended before they were ready');
  });
  // after it is ready its end is the scenario's to notice
  ended.catch(() => undefined);
  await Promise.race([once(child, 'message'), ended]);
}
