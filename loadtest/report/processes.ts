import { readFileSync } from 'node:fs';
import type { Platform } from '@wheelhouse/test/support/platform';

/** What a process used so far, from /proc. */
export interface Usage {
  /** User and system seconds. */
  cpuSeconds: number;
  /** Resident now, MB. */
  rssMb: number;
}

const ticksPerSecond = 100;

export function readUsage(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuSeconds, rssMb: Math.round(Number(rss ?? 0) / 1024) };
  } catch {
    return { cpuSeconds: 0, rssMb: 0 };
  }
}

/** Processes by the name under which they are reported; several may share one. */
export type Processes = () => Record<string, number[]>;

/** Processes of a platform and of its hollow spokes. */
export function pidsOf({ hubs, nats, redis }: Platform, spokes: { pids: number[] }): Record<string, number[]> {
  return { hub: hubs.map(({ pid }) => pid), nats: [nats.pid], redis: [redis.pid], spokes: spokes.pids };
}

export interface Spent {
  wallSeconds: number;
  /** By name, and `all`. */
  cpuSeconds: Record<string, number>;
  rssMb: Record<string, number>;
}

/** Runs a task and says what it and the processes spent meanwhile; of a process that was killed, nothing is known. */
export async function spend<T>(processes: Processes, task: () => Promise<T>): Promise<{ result: T; spent: Spent }> {
  const before = new Map(
    Object.values(processes())
      .flat()
      .map((pid) => [pid, readUsage(pid).cpuSeconds]),
  );
  const started = performance.now();
  const result = await task();
  const wallSeconds = round((performance.now() - started) / 1000);
  const cpuSeconds: Record<string, number> = {};
  const rssMb: Record<string, number> = {};
  for (const [name, pids] of Object.entries(processes())) {
    const usages = pids.map((pid) => ({ ...readUsage(pid), before: before.get(pid) ?? 0 }));
    cpuSeconds[name] = round(usages.reduce((sum, usage) => sum + Math.max(0, usage.cpuSeconds - usage.before), 0));
    rssMb[name] = usages.reduce((sum, usage) => sum + usage.rssMb, 0);
  }
  cpuSeconds['all'] = round(Object.values(cpuSeconds).reduce((total, one) => total + one, 0));
  return { result, spent: { wallSeconds, cpuSeconds, rssMb } };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
