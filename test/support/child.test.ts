import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runChild, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';

const serve = (port: number) => `require('node:net').createServer().listen(${port}, '127.0.0.1')`;

/** Gone, or dead and not yet collected by its parent. */
function hasEnded(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

it('kills, restarts and ends a process', async () => {
  await using dir = await tempDir();
  const port = await freePort();
  const options = { command: process.execPath, args: ['-e', serve(port)], logFile: join(dir.path, 'log'), ready: port };
  const child = await startChild(options);
  const first = child.pid;
  await child.kill();
  expect(hasEnded(first)).toBe(true);
  await child.restart();
  expect(child.pid).not.toBe(first);
  await child[Symbol.asyncDispose]();
  expect(hasEnded(child.pid)).toBe(true);
});

it('says what a process wrote when it ends before it is ready', async () => {
  await using dir = await tempDir();
  const args = ['-e', 'console.error("no such option"); process.exit(3)'];
  const start = startChild({
    command: process.execPath,
    args,
    logFile: join(dir.path, 'log'),
    ready: await freePort(),
  });
  await expect(start).rejects.toThrow(/ended with 3 before it was ready: no such option/);
});

it.each([
  ['exits', 'process.exit(0)'],
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
])('ends its processes when this process %s without disposing them', async (_, end) => {
  await using dir = await tempDir();
  const port = await freePort();
  const script = `
    const { startChild } = await import(${JSON.stringify(join(import.meta.dirname, 'child.ts'))});
    const child = await startChild({ command: process.execPath, args: ['-e', ${JSON.stringify(serve(port))}],
      logFile: ${JSON.stringify(join(dir.path, 'log'))}, ready: ${port} });
    (await import('node:fs')).writeFileSync(${JSON.stringify(join(dir.path, 'pid'))}, String(child.pid));
    ${end};`;
  await runChild(process.execPath, ['--input-type=module', '-e', script]).catch(() => undefined);
  const pid = Number(readFileSync(join(dir.path, 'pid'), 'utf8'));
  expect(pid).toBeGreaterThan(1);
  await eventually(() => expect(hasEnded(pid)).toBe(true));
});
