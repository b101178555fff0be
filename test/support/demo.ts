// `npm start` as people run it, in a copy of the checkout with a state of its own, so that several run at once.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { copyCheckout, shellEnvironment } from './checkout.ts';
import { runChild } from './child.ts';
import { eventually } from './eventually.ts';
import { portOpen } from './free-port.ts';
import { tempDir } from './temp-dir.ts';
import { openTerminal, processesWith, type Terminal } from './terminal.ts';
import { getTool } from './tools.ts';

/** Generous: what a start takes is shown, and measured elsewhere. */
const startTimeoutMs = 180_000;

export interface Demo extends AsyncDisposable {
  /** The root of the copy. */
  readonly dir: string;
  /** Opens a terminal that runs this line, and waits until it shows `text`. */
  start(line: string, text: string | RegExp, size?: { columns: number; rows: number }): Promise<Terminal>;
  /** Runs lines in a shell, as from another terminal, and returns what they print; throws when one of them fails. */
  shell(lines: string): Promise<string>;
  /** As `shell`, for what is to fail: the exit code and everything written. */
  fail(line: string): Promise<{ code: number | null; output: string }>;
  /** Fails while any process of this demo, or any port that it remembers, is left. */
  whenGone(): Promise<void>;
}

export async function openDemo(): Promise<Demo> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir({ prefix: 'wheelhouse-demo-' })).path;
  await copyCheckout(dir);
  const env = shellEnvironment();
  const owned = stack.move();
  return {
    dir,
    start: async (line, text, size) => {
      const terminal = owned.use(openTerminal({ line, cwd: dir, env, ...(size ? { size } : {}) }));
      await Promise.race([
        eventually(() => expect(terminal.output()).toMatch(text), { timeoutMs: startTimeoutMs, intervalMs: 100 }),
        terminal.ended.then((code) => {
          expect(terminal.output(), `${line} ended with ${code}`).toMatch(text);
        }),
      ]);
      return terminal;
    },
    shell: async (lines) => await runChild(getTool('bash'), ['-ec', lines], { cwd: dir, env, timeoutMs: 120_000 }),
    fail: async (line) => {
      await using terminal = openTerminal({ line, cwd: dir, env });
      const code = await terminal.ended;
      return { code, output: terminal.output() };
    },
    whenGone: async () => {
      const ports = await readPorts(dir);
      await eventually(async () => expect(await processesWith(dir)).toEqual([]));
      for (const port of ports) await expect(portOpen(port, 0), `port ${port}`).rejects.toThrow('ECONNREFUSED');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function readPorts(dir: string): Promise<number[]> {
  const state = join(dir, '.wheelhouse');
  const folders = (await readdir(state, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const texts = folders.map(
    async ({ name }) => await readFile(join(state, name, 'ports.json'), 'utf8').catch(() => '{}'),
  );
  return (await Promise.all(texts)).flatMap((text) => Object.values(JSON.parse(text) as Record<string, number>));
}
