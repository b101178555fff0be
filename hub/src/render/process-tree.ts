import { readdirSync, readFileSync } from 'node:fs';

/** What a process and everything that it started may use together. */
export interface TreeBounds {
  /** Processes and threads. */
  tasks: number;
  /** Private and shared memory, without files that programs and libraries are read from. */
  memoryBytes: number;
}

interface Member {
  pid: number;
  tasks: number;
  memoryBytes: number;
}

/**
 * What of its bounds a process exceeds with all that descends from it, by what /proc (or what is laid out as that) says now; undefined while it keeps to them.
 * Synchronous: for a process that does nothing else.
 */
export function whatExceeds(pid: number, bounds: TreeBounds, proc = '/proc'): keyof TreeBounds | undefined {
  const members = follow(pid, proc) ?? search(pid, proc);
  if (sum(members.map(({ tasks }) => tasks)) > bounds.tasks) return 'tasks';
  const rough = sum(members.map(({ memoryBytes }) => memoryBytes));
  if (rough <= bounds.memoryBytes) return undefined;
  // what a process shares with those that it forked was counted for each of them
  const exact = sum(members.map((member) => shareOf(`${proc}/${member.pid}`) ?? member.memoryBytes));
  return exact > bounds.memoryBytes ? 'memoryBytes' : undefined;
}

/**
 * By the kernel's lists of children, which costs as much as the tree is large. Undefined where the kernel has none, and when a
 * process of the tree ended meanwhile: its children are then those of another one, which may have been looked at before.
 */
function follow(pid: number, proc: string): Member[] | undefined {
  const members: Member[] = [];
  const left = [pid];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const children = childrenOf(`${proc}/${next}`);
    // after its children: it had not ended when they were read
    const status = read(`${proc}/${next}/status`);
    if (!children || status === undefined || /^State:\s*[ZX]/mu.test(status)) return undefined;
    members.push({ pid: next, ...usageOf(status) });
    left.push(...children);
  }
  return members;
}

/** Each thread has its own. */
function childrenOf(process: string): number[] | undefined {
  const threads = gone(() => readdirSync(`${process}/task`));
  const lists = threads?.map((thread) => read(`${process}/task/${thread}/children`));
  if (!lists || lists.includes(undefined)) return undefined;
  return lists.join(' ').split(' ').filter(Boolean).map(Number);
}

/** By the parents of all processes of the machine. */
function search(pid: number, proc: string): Member[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync(proc)) {
    const parent = /^\d+$/u.test(name) ? parentOf(`${proc}/${name}`) : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const found = [pid];
  for (const member of found) found.push(...(children.get(member) ?? []));
  return found.map((member) => ({ pid: member, ...usageOf(read(`${proc}/${member}/status`) ?? '') }));
}

/** The name of the program, in parentheses, may hold anything. */
function parentOf(process: string): number | undefined {
  const stat = read(`${process}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]);
}

function usageOf(status: string): Omit<Member, 'pid'> {
  const memoryBytes = kilobytes(status, 'RssAnon') + kilobytes(status, 'RssShmem') + kilobytes(status, 'VmSwap');
  return { tasks: field(status, 'Threads'), memoryBytes };
}

/** Its share of what it has in memory: of a page that several use, each has a part. Undefined where that may not be read. */
function shareOf(process: string): number | undefined {
  const rollup = read(`${process}/smaps_rollup`);
  if (rollup === undefined) return undefined;
  return kilobytes(rollup, 'Pss_Anon') + kilobytes(rollup, 'Pss_Shmem') + kilobytes(rollup, 'SwapPss');
}

function kilobytes(text: string, name: string): number {
  return field(text, name) * 1_024;
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'mu').exec(text)?.[1] ?? 0);
}

function read(file: string): string | undefined {
  return gone(() => readFileSync(file, 'utf8'));
}

/** Processes end while they are looked at. */
function gone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
