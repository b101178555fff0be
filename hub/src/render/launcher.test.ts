import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { tethered } from '@wheelhouse/shared/process/tether';
import { afterAll, expect, it, vi } from 'vitest';
import { createLauncher, type Launch, type Launcher } from './launcher.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-launcher-'));
const launcher = createLauncher({ logger }, { prefix: [] });
afterAll(async () => {
  await launcher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
const signal = new AbortController().signal;
const isTethered = tethered(['true'])[0] !== 'true';
const shell = (script: string, change: Partial<Launch> = {}): Launch => ({
  line: tethered(['/bin/sh', '-c', script]),
  cwd: '/',
  environment: { GIVEN: 'it' },
  timeoutMs: 60_000,
  outputBytes: 1024 ** 2,
  ...change,
});
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
/** Whether a process has ended: one that nobody has waited for yet has too. */
const isAlive = async (pid: number) => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !stat.includes(') Z');
};
const starterOf = async (one: Launcher) => Number(text((await one.launch(shell('echo $PPID'), signal)).stdout));
/** The same, once it is up: to begin may take a busy machine longer than it may be silent. */
const whenStarted = async (one: Launcher) => await vi.waitFor(async () => await starterOf(one), { timeout: 60_000 });
const living = async (pids: number[]) => (await Promise.all(pids.map(isAlive))).filter(Boolean).length;

it('gives what a child wrote and how it ended, several at a time', async () => {
  const launched = [3, 0, 7].map(async (code) =>
    launcher.launch(shell(`echo "$GIVEN $PWD ${code}"; echo trouble >&2; exit ${code}`), signal),
  );
  const ended = await Promise.all(launched);
  expect(ended.map(({ code, stdout, stderr }) => [code, text(stdout), stderr])).toEqual(
    [3, 0, 7].map((code) => [code, `it / ${code}\n`, 'trouble\n']),
  );
});

it.each([
  ['a program that is not there', { line: ['/nonexistent/tool'] }, /ENOENT/u],
  ['a folder that is not there', { cwd: '/nonexistent' }, /ENOENT/u],
  ['an argument that is too long', { line: ['/bin/true', 'x'.repeat(1024 ** 2)] }, /E2BIG/u],
  ['an argument with a null byte', { line: ['/bin/true', 'a\0b'] }, /null bytes/u],
] as const)('says why a child did not begin: %s', async (_name, change, message) => {
  const { code, notBegun } = await launcher.launch(shell('true', change), signal);
  expect(code).toBeNull();
  expect(notBegun?.message).toMatch(message);
});

it.each([
  ['timeout', { timeoutMs: 300 }, 'sleep 600'],
  ['output', { outputBytes: 10_000 }, 'while :; do echo y; done'],
] as const)('kills a child that is over its limit of %s', async (killed, change, script) => {
  const ended = await launcher.launch(shell(script, change), signal);
  expect(ended).toMatchObject({ code: null, killed });
  expect(ended.stdout).toHaveLength(0);
});

it.each([
  [
    'tasks',
    { tasks: 20, memoryBytes: 1024 ** 3 },
    'for i in 1 2 3; do (for j in 1 2 3 4 5 6 7; do sleep 600 & done; wait) & done; wait',
  ],
  [
    'memoryBytes',
    { tasks: 100, memoryBytes: 96 * 1024 ** 2 },
    '(head -c 60000000 /dev/zero | tail | sleep 600) & (head -c 60000000 /dev/zero | tail | sleep 600) & wait',
  ],
] as const)('kills a child that exceeds %s with all that it started', async (killed, tree, script) => {
  const ended = await launcher.launch(shell(script, { tree }), signal);
  expect(ended).toMatchObject({ code: null, killed });
});

it('counts what a child shares with those that it forked once', async () => {
  const script =
    'big=$(head -c 40000000 /dev/zero | tr "\\0" x); for i in 1 2 3 4 5; do (sleep 1; echo done) & done; wait';
  const tree = { tasks: 100, memoryBytes: 160 * 1024 ** 2 };
  const ended = await launcher.launch(shell(script, { tree, environment: { PATH: '/usr/bin:/bin' } }), signal);
  expect([ended.killed, text(ended.stdout)]).toEqual([undefined, 'done\n'.repeat(5)]);
});

it('kills a child whose caller gives up', async () => {
  const ended = await launcher.launch(shell('sleep 600'), AbortSignal.timeout(300));
  expect(ended).toMatchObject({ code: null, killed: 'stopped' });
});

it('begins nothing for a caller that gave up before its bounds could be looked after', async () => {
  await using another = createLauncher({ logger }, { prefix: [] });
  const stopping = new AbortController();
  const file = join(folder, 'of-bounded');
  const tree = { tasks: 100, memoryBytes: 1024 ** 3 };
  const ended = another.launch({ ...sleeping(file), tree }, stopping.signal);
  stopping.abort();
  expect(await ended).toMatchObject({ code: null, killed: 'stopped' });
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

it('returns 40 MB of output whole', async () => {
  const bytes = 40 * 1024 ** 2;
  const { stdout } = await launcher.launch(shell(`head -c ${bytes} /dev/zero`, { outputBytes: bytes }), signal);
  expect(stdout).toHaveLength(bytes);
});

it('takes another process when the one that starts children is killed', async () => {
  const first = await starterOf(launcher);
  const cut = launcher.launch(shell('sleep 600'), signal);
  process.kill(first, 'SIGKILL');
  await expect(cut).rejects.toMatchObject({ code: 'Internal', retryable: true });
  const second = await starterOf(launcher);
  expect(second).not.toBe(first);
});

it.each([
  ['before it is asked', async () => undefined],
  [
    'while a child runs',
    async (another: Launcher, file: string) => {
      void another.launch(sleeping(file), signal).catch(() => undefined);
      await readPids(file);
    },
  ],
])('takes another process when the one that starts children is stopped %s', async (_name, begin) => {
  await using another = createLauncher({ logger }, { prefix: [], silentMs: 2_000 });
  const file = join(folder, 'of-stopped');
  rmSync(file, { force: true });
  const stopped = await whenStarted(another);
  await begin(another, file);
  const children = existsSync(file) ? await readPids(file) : [];
  process.kill(stopped, 'SIGSTOP');
  await expect(another.launch(shell('true'), signal)).rejects.toMatchObject({
    code: 'RenderTimeout',
    retryable: true,
    message: expect.stringContaining('said nothing for 2 s') as string,
  });
  expect(await whenStarted(another)).not.toBe(stopped);
  await vi.waitFor(async () => expect(await living([stopped])).toBe(0), { timeout: 20_000 });
  const bound = isTethered ? children : [];
  await vi.waitFor(async () => expect(await living(bound)).toBe(0), { timeout: 20_000 });
});

it('ends a process that is stopped with itself', async () => {
  const another = createLauncher({ logger }, { prefix: [], silentMs: 2_000 });
  const stopped = await whenStarted(another);
  process.kill(stopped, 'SIGSTOP');
  await another[Symbol.asyncDispose]();
  await vi.waitFor(async () => expect(await living([stopped])).toBe(0), { timeout: 20_000 });
});

it('waits for a child that says nothing for long, also when it was held up itself', async () => {
  await using another = createLauncher({ logger }, { prefix: [], silentMs: 3_000 });
  await whenStarted(another);
  const launched = another.launch(shell('sleep 5; echo done'), signal);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
  expect(text((await launched).stdout)).toBe('done\n');
});

/** Its process id and that of what started it are in `file` when it has begun. */
const sleeping = (file: string): Launch => shell(`echo $PPID $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 600`);

async function readPids(file: string): Promise<number[]> {
  const read = async () => await readFile(file, 'utf8');
  return (await vi.waitFor(read, { timeout: 20_000 })).trim().split(' ').map(Number);
}

it('ends its children and its process with itself', async () => {
  const file = join(folder, 'of-launcher');
  const another = createLauncher({ logger }, { prefix: [] });
  const cut = another.launch(sleeping(file), signal).catch((error: unknown) => error);
  const pids = await readPids(file);
  expect(await living(pids)).toBe(2);
  await another[Symbol.asyncDispose]();
  expect(await cut).toMatchObject({ code: 'Internal' });
  await vi.waitFor(async () => expect(await living(pids)).toBe(0), { timeout: 20_000 });
});

it.skipIf(!isTethered)('ends them also when the hub is killed', async () => {
  const file = join(folder, 'of-hub');
  const script = `import { createLauncher } from ${JSON.stringify(new URL('./launcher.ts', import.meta.url).href)};
    await createLauncher({ logger: console }, { prefix: [] }).launch(${JSON.stringify(sleeping(file))}, new AbortController().signal)`;
  const hub = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const pids = await readPids(file);
  expect(await living(pids)).toBe(2);
  hub.kill('SIGKILL');
  await vi.waitFor(async () => expect(await living(pids)).toBe(0), { timeout: 20_000 });
});
