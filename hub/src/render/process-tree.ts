import { readdirSync, readFileSync } from 'node:fs';

/** What a process and everything that it started may use together. */
export interface TreeBounds {
  /** Processes and threads. */
  tasks: number;
  /** Private and shared memory, without files that programs and libraries are read from. */
  memoryBytes: number;
}

/**
 * What of its bounds a process exceeds with all that descends from it, by what /proc says now; undefined while it keeps to them.
 * Synchronous: for a process that does nothing else.
 */
export function whatExceeds(pid: number, bounds: TreeBounds): keyof TreeBounds | undefined {
  const members = membersOf(pid).map((member) => ({ member, ...statusOf(member) }));
  if (sum(members.map(({ tasks }) => tasks)) > bounds.tasks) return 'tasks';
  const rough = sum(members.map(({ memoryBytes }) => memoryBytes));
  if (rough <= bounds.memoryBytes) return undefined;
  // what a process shares with those that it forked was counted for each of them
  const exact = sum(members.map(({ member, memoryBytes }) => shareOf(member) ?? memoryBytes));
  return exact > bounds.memoryBytes ? 'memoryBytes' : undefined;
}

function membersOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/u.test(name) ? parentOf(Number(name)) : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const members = [pid];
  for (const member of members) members.push(...(children.get(member) ?? []));
  return members;
}

/** The name of the program, in parentheses, may hold anything. */
function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]);
}

function statusOf(pid: number): { tasks: number; memoryBytes: number } {
  const status = read(`/proc/${pid}/status`) ?? '';
  const memoryBytes = kilobytes(status, 'RssAnon') + kilobytes(status, 'RssShmem') + kilobytes(status, 'VmSwap');
  return { tasks: field(status, 'Threads'), memoryBytes };
}

/** Its share of what it has in memory: of a page that several use, each has a part. Undefined where that may not be read. */
function shareOf(pid: number): number | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  if (rollup === undefined) return undefined;
  return kilobytes(rollup, 'Pss_Anon') + kilobytes(rollup, 'Pss_Shmem') + kilobytes(rollup, 'SwapPss');
}

function kilobytes(text: string, name: string): number {
  return field(text, name) * 1_024;
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'mu').exec(text)?.[1] ?? 0);
}

/** Processes end while they are looked at. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
