import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { whatExceeds } from './process-tree.ts';

const plenty = 1024 ** 3;

describe('of what /proc says', () => {
  interface Process {
    parent: number;
    /** Of each of its threads; undefined where the kernel has no such lists. */
    children?: number[][];
    state?: string;
    threads?: number;
  }
  let proc = '';
  afterEach(() => rmSync(proc, { recursive: true }));

  /** Processes by their ids; one without a state has just ended. */
  function layOut(processes: Record<number, Process>): void {
    proc = mkdtempSync(join(tmpdir(), 'wheelhouse-proc-'));
    for (const [pid, { parent, children, state, threads = 1 }] of Object.entries(processes)) {
      const folder = join(proc, pid);
      mkdirSync(folder);
      writeFileSync(join(folder, 'stat'), `${pid} (a) b) S ${parent} 1 1`);
      if (state) writeFileSync(join(folder, 'status'), `Name:\tx\nState:\t${state}\nThreads:\t${threads}\n`);
      for (const [thread, list] of (children ?? []).entries()) {
        mkdirSync(join(folder, 'task', String(thread)), { recursive: true });
        writeFileSync(join(folder, 'task', String(thread), 'children'), list.map((one) => `${one} `).join(''));
      }
    }
  }
  const sleeping = { state: 'S (sleeping)' };
  const countsMoreThan = (tasks: number) => whatExceeds(10, { tasks, memoryBytes: plenty }, proc) === 'tasks';

  it('only the lists of children are read, of all threads', () => {
    layOut({
      10: { parent: 1, children: [[11], [12]], threads: 2, ...sleeping },
      11: { parent: 10, children: [[13]], ...sleeping },
      12: { parent: 10, children: [[]], ...sleeping },
      13: { parent: 11, children: [[]], ...sleeping },
      // no such thing happens: it would be counted by who reads what all processes say
      99: { parent: 10, children: [[]], threads: 50, ...sleeping },
    });
    expect([countsMoreThan(4), countsMoreThan(5)]).toEqual([true, false]);
  });

  it.each<[string, Process]>([
    ['ended and is gone', { parent: 10 }],
    ['ended and is not waited for', { parent: 10, children: [[]], state: 'Z (zombie)' }],
    ['ended and is about to go', { parent: 10, children: [[]], state: 'X (dead)' }],
  ])('the parents of all are read when a process of it %s', (_name, ended) => {
    layOut({
      10: { parent: 1, children: [[11]], ...sleeping },
      11: ended,
      // what 11 left behind, taken over by 10 after its list was read
      12: { parent: 10, children: [[]], threads: 50, ...sleeping },
    });
    expect(countsMoreThan(50)).toBe(true);
  });

  it('the parents of all are read where the kernel has no lists', () => {
    layOut({
      10: { parent: 1, ...sleeping },
      11: { parent: 10, ...sleeping },
      12: { parent: 11, threads: 50, ...sleeping },
    });
    expect(countsMoreThan(51)).toBe(true);
  });
});

describe.skipIf(process.platform !== 'linux')('of real processes', () => {
  let child: ChildProcess;
  afterEach(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
  const startWith = (command: string, args: string[]) => {
    child = spawn(command, args, { detached: true, stdio: 'ignore' });
    return child.pid ?? 0;
  };

  it.each([
    ['of any thread', process.execPath, ['-e', workerThatStarts(40)]],
    [
      'beside one that nobody waits for',
      '/bin/sh',
      ['-c', 'for i in $(seq 41); do sleep 600 & done; true & exec sleep 600'],
    ],
  ])('counts children %s', async (_name, command, args) => {
    const pid = startWith(command, args);
    const exceeded = () => whatExceeds(pid, { tasks: 40, memoryBytes: plenty });
    await vi.waitFor(() => expect(exceeded()).toBe('tasks'), { timeout: 20_000 });
    expect(whatExceeds(pid, { tasks: 200, memoryBytes: plenty })).toBeUndefined();
  });
});

/** A program of Node one thread of which starts processes. */
function workerThatStarts(count: number): string {
  const work = `for (let i = 0; i < ${count}; i++) require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' })`;
  return `new (require('node:worker_threads').Worker)(${JSON.stringify(work)}, { eval: true }); setInterval(() => {}, 60_000)`;
}
